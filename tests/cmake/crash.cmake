# The whole path, killed at every failpoint and at any moment: only where failpoints and the scale
# of the program's time are compiled in.
if(TP_FAILPOINTS)
  tp_test(crash_test tp_app)
  tp_test(daemon_network_test tp_app fake_daemon)
  tp_test(kill_rounds_test tp_base)
  add_dependencies(kill_rounds_test taubenpost)
else()
  list(APPEND registered crash_test.cc daemon_network_test.cc kill_rounds_test.cc)
endif()
