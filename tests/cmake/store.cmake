tp_test(store_codec_test tp_store)
tp_test(store_conformance_test tp_store)
tp_test(store_open_test tp_store)
tp_test(store_keys_test tp_store)
tp_test(store_damage_test tp_store)
tp_test(store_check_test tp_store tp_files)
tp_test(store_commit_test tp_store)
tp_test(store_crash_test tp_store)
# Our own files lose what was not synced: the calls of the store's library go through the test.
target_sources(store_crash_test PRIVATE support/unsynced_loss_calls.cc)
target_link_options(store_crash_test
                    PRIVATE LINKER:--wrap=open,--wrap=write,--wrap=fsync,--wrap=rename)
