tp_test(bytes_test tp_base)
tp_test(time_text_test tp_app)
tp_test(child_process_test tp_app)
