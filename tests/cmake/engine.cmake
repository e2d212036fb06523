tp_test(engine_send_test tp_engine tp_store tp_files)
tp_test(engine_send_faults_test tp_engine tp_store tp_files)
tp_test(engine_commit_test tp_engine tp_store tp_files)
tp_test(engine_purge_test tp_engine tp_store tp_files)
tp_test(engine_restore_test tp_engine tp_store tp_files)
tp_test(engine_steer_test tp_engine tp_store tp_files)
# With hashes for curves, which is what lets thousands of runs fit into minutes.
tp_test(simulation_test tp_app)
target_sources(simulation_test PRIVATE support/stand_in_curve.cc support/stand_in_box_table.cc)
