// Of the names that are accepted, no command for iscsiadm, xl, xm or vbs-thaw gets a word more, or
// another option, and no socket or record lies outside of its folder.

#include "tests/unit/common/hostile_names.h"

#include "common/names.h"
#include "common/wire/read.h"
#include "vmm_delegate/freeze/thaw_process.h"
#include "vmm_delegate/hypervisor/qemu/qemu.h"
#include "vmm_delegate/hypervisor/xen/xen_names.h"
#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"
#include "vmm_delegate/initiator/iscsiadm.h"
#include "vmm_delegate/initiator/node_record.h"

namespace vbs::vmm_delegate {
namespace {

using test::Commands;
using test::expect_harmless;
using test::expect_just_below;

const std::string kIqn = "iqn.2026-01.vbs:01890c5e-7b1a-7000-8000-00000000000a";
const std::string kNode = "hv1";
const std::string kByPath = "/dev/disk/by-path";
const PortalAddress kPortal{"10.20.30.40", "3260"};

Commands logins(const std::string& node, const std::string& iqn, const PortalAddress& portal) {
  Iscsiadm::Options options;
  options.interface = interface_name(node);
  const Iscsiadm iscsiadm(std::move(options));
  return {iscsiadm.login_arguments(iqn, portal, 1), iscsiadm.discovery_arguments(portal)};
}

Commands xen_commands(const xen::Domain& domain, const std::string& path, const xen::Disk& disk) {
  Commands all;
  for (const char* name : {"xl", "xm"}) {
    const xen::Toolstack tool(name, "", {});
    all.push_back(tool.attach_arguments(domain, path, disk, false));
    all.push_back(tool.detach_arguments(domain, disk, true));
    all.push_back(tool.pause_arguments(domain));
    all.push_back(tool.unpause_arguments(domain));
  }
  return all;
}

const xen::Domain kDomain{"vm1", 7, "running"};
const xen::Disk kDisk{"sdb", "2064"};

/// NODES/IQN/ADDRESS,PORT,GROUP/INTERFACE, of as many lines as ever.
void expect_record_in_place(const std::string& node, const wire::SessionSpec& session,
                            const PortalAddress& portal) {
  RecordCommon common;
  common.interface = interface_name(node);
  common.initiator = "iqn.2026-01.vbs:node-hv1";
  const NodeRecords records("/etc/iscsi", common);
  const std::filesystem::path path = records.path_of(session.iqn, portal, 1);
  expect_just_below(path.parent_path().string(), path.string());
  expect_just_below("/etc/iscsi/nodes", path.parent_path().parent_path().string());
  const std::string text = node_record_text(common, session, portal, 1);
  wire::SessionSpec usual;
  usual.iqn = kIqn;
  const std::string usual_text = node_record_text(common, usual, kPortal, 1);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
            std::count(usual_text.begin(), usual_text.end(), '\n'));
}

wire::SessionSpec session_with(const std::string& iqn) {
  wire::SessionSpec session;
  session.iqn = iqn;
  return session;
}

TEST(HostileNames, Targets) {
  const auto accept = [](const std::string& iqn) {
    return check_iscsi_name(iqn, "iqn").has_value();
  };
  expect_harmless(kIqn, 80'000, accept, [](const std::string& iqn) {
    const std::string path = kByPath + "/" + by_path_name(kPortal, iqn, 1);
    expect_just_below(kByPath, path);
    expect_record_in_place(kNode, session_with(iqn), kPortal);
    Commands all = xen_commands(kDomain, path, kDisk);
    for (auto& words : logins(kNode, iqn, kPortal)) all.push_back(std::move(words));
    return all;
  });
}

TEST(HostileNames, Portals) {
  const auto accept = [](const std::string& portal) { return split_portal(portal).has_value(); };
  expect_harmless("10.20.30.40:3260", 80'000, accept, [](const std::string& text) {
    const PortalAddress portal = *split_portal(text);
    const std::string path = kByPath + "/" + by_path_name(portal, kIqn, 1);
    expect_just_below(kByPath, path);
    expect_record_in_place(kNode, session_with(kIqn), portal);
    Commands all = xen_commands(kDomain, path, kDisk);
    for (auto& words : logins(kNode, kIqn, portal)) all.push_back(std::move(words));
    return all;
  });
}

TEST(HostileNames, Nodes) {
  const auto accept = [](const std::string& node) {
    return check_node_name(node, "f").has_value();
  };
  expect_harmless("hv-1.lab", 60'000, accept, [](const std::string& node) {
    expect_record_in_place(node, session_with(kIqn), kPortal);
    return logins(node, kIqn, kPortal);
  });
}

TEST(HostileNames, VirtualMachines) {
  const auto accept = [](const std::string& vm) { return check_node_name(vm, "vm").has_value(); };
  expect_harmless("vm-1", 80'000, accept, [](const std::string& vm) {
    QemuOptions options;
    options.folder = "/run/vbs/vms";
    const QemuHypervisor qemu(std::move(options));
    expect_just_below("/run/vbs/vms", qemu.qmp_path(vm));
    expect_just_below("/run/vbs/vms", qemu.agent_path(vm));
    return xen_commands({vm, std::nullopt, "off"}, kByPath + "/a", kDisk);
  });
}

TEST(HostileNames, Devices) {
  const auto accept = [](const std::string& name) { return xen::virtual_device(name).has_value(); };
  expect_harmless("/dev/xvdcd", 40'000, accept, [](const std::string& name) {
    return xen_commands(kDomain, kByPath + "/a", {*xen::virtual_device(name), "2064"});
  });
}

TEST(HostileNames, ChapWords) {
  const auto accept = [](const std::string& word) {
    const json::Value order(json::Value::Object{{"chap_user", json::Value(word)}});
    json::Fields fields(order);
    wire::read_chap_word(fields, "chap_user");
    return fields.finish().has_value();
  };
  test::try_hostile_names("0123456789abcdef", 40'000, accept, [](const std::string& word) {
    wire::SessionSpec session = session_with(kIqn);
    session.chap_user = word;
    session.chap_secret = Secret(word);
    expect_record_in_place(kNode, session, kPortal);
  });
}

TEST(HostileNames, Freezes) {
  const auto accept = [](const std::string& id) { return Uuid::parse(id).has_value(); };
  expect_harmless("01890c5e-7b1a-7000-8000-00000000000a", 20'000, accept,
                  [](const std::string& id) {
                    return Commands{thaw_arguments("/etc/vbs/vbs-vmmd.toml", *Uuid::parse(id))};
                  });
}

}  // namespace
}  // namespace vbs::vmm_delegate
