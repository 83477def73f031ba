#include "common/names.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"

/// What xl and xm print: lists of domains, and complaints.
void vbs::fuzz::one_input(std::string_view input) {
  using namespace vmm_delegate;
  if (const auto domains = xen::parse_domains(input)) {
    for (const xen::Domain& domain : *domains) {
      require(check_node_name(domain.name, "vm").has_value(), "a domain has a node's name");
      require(domain.id.value_or(0) < 100'000, "ids are of five digits");
      require(domain.id.has_value() || domain.state == "off", "what runs has an id");
    }
  }
  process::Outcome outcome;
  outcome.exit_code = 1;
  outcome.err = input;
  const auto judged = xen::judge("xl", outcome);
  require(!judged && is_utf8(judged.error().message), "a complaint is UTF-8");
}
