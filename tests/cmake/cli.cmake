# Transcript tests run the built program.
tp_test(cli_exit_status_test tp_base)
tp_test(cli_state_test tp_store tp_bacap)
tp_test(cli_store_test tp_store)
tp_test(cli_key_test tp_base)
tp_test(cli_send_test tp_base)
tp_test(cli_network_test tp_base)
tp_test(cli_receive_test tp_base)
tp_test(cli_sources_test tp_base)
tp_test(cli_localnet_test tp_base)
tp_test(cli_localnet_kill_test tp_localnet)
tp_test(cli_raw_test tp_base)
tp_test(howto_test tp_base)
add_dependencies(howto_test examples)
foreach(name cli_localnet_test cli_localnet_kill_test cli_raw_test howto_test cli_state_test
             cli_store_test cli_key_test cli_send_test cli_network_test
             cli_receive_test cli_sources_test)
  add_dependencies(${name} taubenpost)
endforeach()
