#include "api/settings.h"
#include "common/wire/freeze.h"
#include "tests/fuzz/fuzz.h"

/// The configuration of vbsd.
void vbs::fuzz::one_input(std::string_view input) {
  const auto settings = api::parse_settings(input, "vbsd.toml");
  if (!settings) return;
  require(settings->server.port != 0 && settings->server.threads >= 1, "it can listen");
  require(settings->sweep_interval.count() > 0 && settings->node_poll_interval.count() > 0 &&
              settings->node_poll_timeout.count() > 0,
          "its intervals pass");
  const auto& workflows = settings->workflows;
  require(workflows.longest_pause + workflows.lease_margin <= Milliseconds(wire::kLongestLeaseMs),
          "a freeze fits its lease");
  for (const auto& node : settings->nodes) {
    require(settings->find_node(node.name) == &node, "nodes have names of their own");
  }
}
