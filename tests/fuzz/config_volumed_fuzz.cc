#include "common/names.h"
#include "common/units.h"
#include "tests/fuzz/fuzz.h"
#include "volume_delegate/plain_path.h"
#include "volume_delegate/settings.h"

/// The configuration of vbs-volumed.
void vbs::fuzz::one_input(std::string_view input) {
  const auto settings = volume_delegate::parse_settings(input, "vbs-volumed.toml");
  if (!settings) return;
  require(check_node_name(settings->name, "name").has_value(), "it has a node's name");
  require(volume_delegate::is_plain_path(settings->state_dir), "its folder is a plain path");
  const auto& portal = settings->target.tgt.portal;
  require(volume_delegate::Portal::parse(portal.str()) == portal, "its portal is one");
  require(check_portal(portal.str(), "portal").has_value(), "the front takes its portal");
  if (const auto* lvm = std::get_if<volume_delegate::LvmThickOptions>(&settings->store)) {
    require(lvm->lvm.wipe_bytes_per_second >= kMiB, "a wipe ends");
  }
}
