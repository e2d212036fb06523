add_library(fake_daemon STATIC support/fake_daemon.cc)
target_include_directories(fake_daemon PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(fake_daemon PRIVATE TP_VECTORS="${CMAKE_CURRENT_SOURCE_DIR}/vectors")
target_link_libraries(fake_daemon PUBLIC tp_wire tp_ports nlohmann_json::nlohmann_json)

tp_test(thin_config_test tp_thin)
tp_test(thin_results_test tp_thin)
tp_test(thin_handshake_test tp_thin fake_daemon)
tp_test(thin_calls_test tp_thin fake_daemon)
