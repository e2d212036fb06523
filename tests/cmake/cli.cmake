# Transcript tests run the built program.
tp_test(cli_exit_status_test tp_base)
target_compile_definitions(cli_exit_status_test
                           PRIVATE TP_ERRORS_DOC="${PROJECT_SOURCE_DIR}/docs/errors.md")
tp_test(cli_state_test tp_store)
tp_test(cli_send_test tp_base)
tp_test(cli_network_test tp_base)
tp_test(cli_localnet_test tp_base)
tp_test(cli_raw_test tp_base)
tp_test(howto_test tp_base)
target_compile_definitions(howto_test PRIVATE TP_HOWTO="${PROJECT_SOURCE_DIR}/docs/howto.md"
                           TP_EXAMPLE_SOURCES="${PROJECT_SOURCE_DIR}/docs/examples"
                           TP_EXAMPLES="${CMAKE_BINARY_DIR}/examples")
add_dependencies(howto_test examples)
foreach(name cli_localnet_test cli_raw_test howto_test cli_state_test cli_send_test
             cli_network_test)
  target_compile_definitions(${name} PRIVATE TP_PROGRAM="$<TARGET_FILE:taubenpost>")
  add_dependencies(${name} taubenpost)
endforeach()
