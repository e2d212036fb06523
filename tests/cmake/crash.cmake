# The whole path, killed at every failpoint: only where failpoints are compiled in.
if(TP_FAILPOINTS)
  tp_test(crash_test tp_app)
else()
  list(APPEND registered crash_test.cc)
endif()
