# The fuzz targets, one a parser of outside input: NAME is NAME_fuzz.cc with corpus/NAME and regressions/NAME. Two builds
# read this: `fuzz` makes programs of them, and `debug` tests that run these.
set(fuzz_targets
    config_cli
    config_vbsd
    config_vmmd
    config_volumed
    export_records
    freezes
    guest_agent
    http_request
    http_response
    http_target
    iet
    iscsiadm
    json
    kernel_sessions
    libvirt_xml
    lio
    lvm
    names
    node_record
    qmp
    requests
    tgt
    tgt_control
    tokens
    values
    wire
    xenstore
    xl)
# Folders of tests/recorded that are inputs too.
set(recorded_of_iet iet)
set(recorded_of_iscsiadm open-iscsi)
set(recorded_of_lio lio)
set(recorded_of_lvm lvm)
set(recorded_of_node_record open-iscsi)
set(recorded_of_tgt tgt)
set(recorded_of_xl xen)
