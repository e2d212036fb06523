tp_test(wire_cbor_test tp_wire)
tp_test(wire_messages_test tp_wire)
tp_test(wire_pki_test tp_wire tp_crypto)
tp_test(letter_test tp_wire)
