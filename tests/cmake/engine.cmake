tp_test(engine_send_test tp_engine tp_store tp_files)
tp_test(engine_send_faults_test tp_engine tp_store tp_files)
tp_test(engine_commit_test tp_engine tp_store tp_files)
