#include "api/node_registry.h"
#include "api/workflow/calls.h"

namespace vbs::api {

namespace {

constexpr Milliseconds kLookTimeout{3'000};

/// What came back from all the nodes that were asked.
struct Search {
  std::string vm;
  std::size_t pending = 0;
  std::vector<FoundVm> found;
  std::vector<std::string> silent;
  VmDirectory::FindDone done;

  void conclude() {
    if (found.size() == 1) return done(std::move(found.front()));
    if (found.size() > 1) {
      return done(fail_field("node", "VM " + vm + " is on " + found[0].node + " and on " +
                                         found[1].node + "; say which with `node`"));
    }
    if (silent.empty()) {
      return done(fail({ErrorCode::not_found, "no VMM node knows a VM named " + vm, "vm", {}, {}}));
    }
    done(fail({ErrorCode::node_unavailable,
               "VM " + vm + " was not found, and VMM node " + silent.front() + " does not answer",
               "vm",
               silent.front(),
               {}}));
  }
};

void ask(DelegateClient& delegates, const NodeView& node, const std::shared_ptr<Search>& search) {
  DelegateCall call;
  call.node = node.settings.name;
  call.path = "/v1/vms/" + search->vm;
  call.timeout = kLookTimeout;
  delegates.call(std::move(call), [search, node](Result<http::Response> answer) {
    auto status = answer && answer->status == 200
                      ? workflow::read_answer<wire::VmStatus>(*answer)
                      : Result<wire::VmStatus>(fail(ErrorCode::not_found, ""));
    if (status && status->name == search->vm && node.status) {
      search->found.push_back({*status, node.settings.name, node.status->initiator});
    } else if (!answer || answer->status != 404) {
      search->silent.push_back(node.settings.name);
    }
    if (--search->pending == 0) search->conclude();
  });
}

}  // namespace

void VmDirectory::find(const std::string& vm, const std::string& node, FindDone done) const {
  std::vector<NodeView> asked;
  for (NodeView& view : nodes_.views()) {
    if (view.settings.role != NodeRole::vmm) continue;
    if (node.empty() || view.settings.name == node) asked.push_back(std::move(view));
  }
  if (asked.empty()) {
    return done(
        fail({ErrorCode::not_found,
              node.empty() ? "no VMM node is configured" : "there is no VMM node named " + node,
              node.empty() ? "vm" : "node",
              {},
              {}}));
  }
  auto search = std::make_shared<Search>();
  search->vm = vm;
  search->pending = asked.size();
  search->done = std::move(done);
  for (const NodeView& view : asked) ask(delegates_, view, search);
}

void VmDirectory::list(std::function<void(std::vector<Listed>)> done) const {
  struct Listing {
    std::size_t pending = 0;
    std::vector<Listed> nodes;
    std::function<void(std::vector<Listed>)> done;
  };
  auto listing = std::make_shared<Listing>();
  listing->done = std::move(done);
  for (const NodeView& view : nodes_.views()) {
    if (view.settings.role == NodeRole::vmm) listing->nodes.push_back({view.settings.name, {}});
  }
  listing->pending = listing->nodes.size();
  if (listing->nodes.empty()) return listing->done({});
  for (std::size_t i = 0; i < listing->nodes.size(); ++i) {
    DelegateCall call;
    call.node = listing->nodes[i].node;
    call.path = "/v1/inventory";
    call.timeout = kLookTimeout;
    delegates_.call(std::move(call), [listing, i](Result<http::Response> answer) {
      if (answer && answer->status == 200) {
        auto inventory = workflow::read_answer<wire::VmmInventory>(*answer);
        if (inventory) listing->nodes[i].vms = std::move(inventory->vms);
      }
      if (--listing->pending == 0) listing->done(std::move(listing->nodes));
    });
  }
}

}  // namespace vbs::api
