tp_test(task_group_test tp_engine)
tp_test(invitation_test tp_engine)
tp_test(receive_poll_test tp_engine tp_store tp_files)
tp_test(receive_job_test tp_engine tp_store tp_files)
