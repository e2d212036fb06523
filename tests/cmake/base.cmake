tp_test(bytes_test tp_base)
