// Of the names that are accepted, no command for lvm, ietadm or tgtd gets a word more, or another
// option.

#include "tests/unit/common/hostile_names.h"

#include "common/names.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/plain_path.h"
#include "volume_delegate/store/lvm/lvm_commands.h"
#include "volume_delegate/target/export_identity.h"
#include "volume_delegate/target/iet/iet_commands.h"
#include "volume_delegate/target/tgt/tgt_daemon.h"

namespace vbs::volume_delegate {
namespace {

using test::Commands;
using test::expect_harmless;

constexpr std::uint64_t kAnySize = 1 << 30;

bool is_lvm_name(const std::string& name) {
  return check_lvm_name(name, "f").has_value();
}

Commands all_of(const LvmCommands& lvm, const std::string& name, const std::string& pool) {
  const std::vector<std::string> tags{"vbs.size=1"};
  return {lvm.lvs(),
          lvm.vgs(),
          lvm.create_linear(name, kAnySize, tags),
          lvm.create_snapshot(name, "vbs-new", kAnySize, tags),
          lvm.create_pool(pool, kAnySize, kAnySize),
          lvm.create_thin(pool, name, kAnySize, tags),
          lvm.create_thin_snapshot(name, "vbs-new", tags),
          lvm.create_thin_clone(name, "vbs-new", tags),
          lvm.create_over_image(pool, name, "vbs-new", tags),
          lvm.change_tags(name, TagChange{tags, tags}),
          lvm.activate({name, name}),
          lvm.refresh(name),
          lvm.split_snapshot(name),
          lvm.extend(name, kAnySize, {{"/dev/sdb", 0, 7}}),
          lvm.remove(name),
          lvm.remove_without_discard(name)};
}

TEST(HostileNames, VolumeGroups) {
  expect_harmless("vbs", 20'000, is_lvm_name, [](const std::string& name) {
    return all_of(LvmCommands(name, {}), "vbs-1", "vbs-pool");
  });
}

TEST(HostileNames, LogicalVolumes) {
  expect_harmless("golden_image", 20'000, is_lvm_name, [](const std::string& name) {
    return all_of(LvmCommands("vbs", {}), name, name);
  });
}

TEST(HostileNames, Paths) {
  expect_harmless(
      "/srv/pool/a", 180'000, [](const std::string& path) { return is_plain_path(path); },
      [](const std::string& path) {
        TargetSpec spec;
        spec.device = path;
        spec.serial = "01890c5e-7b1a-7000-8000-00000000000a";
        return Commands{LvmCommands("vbs", {path}).lvs(),
                        LvmCommands("vbs", {}).extend("vbs-1", kAnySize, {{path, 0, 7}}),
                        ietadm::new_unit(1, 1, ietadm::unit_params(spec, true))};
      });
}

TEST(HostileNames, Targets) {
  expect_harmless(
      "iqn.2026-01.vbs", 40'000,
      [](const std::string& prefix) { return check_iqn_prefix(prefix).has_value(); },
      [](const std::string& prefix) {
        return Commands{ietadm::new_target(1, export_iqn(prefix, Uuid{}))};
      });
}

/// An order that is right but for one of its texts.
wire::ExportSpec order(const std::string& user, const std::string& secret) {
  wire::ExportSpec spec;
  spec.initiator = "iqn.2026-01.vbs:node-a";
  spec.chap_user = user;
  spec.chap_secret = Secret(secret);
  return spec;
}

TEST(HostileNames, ChapUsers) {
  expect_harmless(
      "user-1", 40'000,
      [](const std::string& user) {
        return check_export_access(order(user, "0123456789abcdef")).has_value();
      },
      [](const std::string& user) {
        return Commands{ietadm::new_account(1, user, Secret("0123456789abcdef")),
                        ietadm::delete_account(1, user)};
      });
}

TEST(HostileNames, ChapSecrets) {
  expect_harmless(
      "0123456789abcdef", 40'000,
      [](const std::string& secret) { return check_export_access(order("u", secret)).has_value(); },
      [](const std::string& secret) {
        return Commands{ietadm::new_account(1, "u", Secret(secret))};
      });
}

TEST(HostileNames, Portals) {
  expect_harmless(
      "10.20.30.40:3260", 60'000,
      [](const std::string& portal) { return Portal::parse(portal).has_value(); },
      [](const std::string& portal) {
        TgtOptions options;
        options.portal = *Portal::parse(portal);
        return Commands{tgtd_arguments(options)};
      });
}

}  // namespace
}  // namespace vbs::volume_delegate
