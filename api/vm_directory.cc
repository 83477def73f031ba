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

  /// A node that does not answer may have a VM of that name, too: the volume must not go to the
  /// wrong one.
  void conclude() {
    if (found.size() > 1) {
      return done(fail_field("node", "VM " + vm + " is on " + found[0].node + " and on " +
                                         found[1].node + "; say which with `node`"));
    }
    if (!silent.empty()) {
      return done(fail({ErrorCode::node_unavailable, doubt(), "vm", silent.front(), {}}));
    }
    if (found.empty()) {
      return done(fail({ErrorCode::not_found, "no VMM node knows a VM named " + vm, "vm", {}, {}}));
    }
    done(std::move(found.front()));
  }

  std::string doubt() const {
    const std::string but = "VMM node " + silent.front() + " gives no answer";
    if (found.empty()) return "VM " + vm + " was not found, and " + but;
    return "VM " + vm + " is on " + found.front().node + ", but " + but +
           " and may have one of that name, too; say which is meant with `node`";
  }
};

DelegateCall question(const std::string& node, std::string path) {
  DelegateCall call;
  call.node = node;
  call.path = std::move(path);
  call.timeout = kLookTimeout;
  return call;
}

void take_answer(Search& search, const NodeView& node, const Result<http::Response>& answer) {
  auto status = answer && answer->status == 200
                    ? workflow::read_answer<wire::VmStatus>(*answer)
                    : Result<wire::VmStatus>(fail(ErrorCode::not_found, ""));
  if (status && status->name == search.vm && node.status) {
    search.found.push_back({*status, node.settings.name, node.status->initiator});
  } else if (!answer || answer->status != 404) {
    search.silent.push_back(node.settings.name);
  }
  if (--search.pending == 0) search.conclude();
}

}  // namespace

Result<void> VmDirectory::check_free(const std::vector<std::string>& nodes, unsigned limit) const {
  for (const std::string& node : nodes) {
    const auto entry = under_way_->find(node);
    if (entry == under_way_->end() || entry->second < limit) continue;
    return fail({ErrorCode::overloaded,
                 "VMM node " + node + " is being asked for VMs too often; try again later",
                 {},
                 node,
                 {}});
  }
  return {};
}

void VmDirectory::ask(DelegateCall call, DelegateClient::Callback done) const {
  const std::string node = call.node;
  ++(*under_way_)[node];
  delegates_.call(std::move(call), [under_way = under_way_, node,
                                    done = std::move(done)](Result<http::Response> answer) {
    --(*under_way)[node];
    done(std::move(answer));
  });
}

void VmDirectory::find(const std::string& vm, const std::string& node, FindDone done) const {
  std::vector<NodeView> asked;
  std::vector<std::string> names;
  for (NodeView& view : nodes_.views()) {
    if (view.settings.role != NodeRole::vmm) continue;
    if (!node.empty() && view.settings.name != node) continue;
    names.push_back(view.settings.name);
    asked.push_back(std::move(view));
  }
  if (asked.empty()) {
    return done(
        fail({ErrorCode::not_found,
              node.empty() ? "no VMM node is configured" : "there is no VMM node named " + node,
              node.empty() ? "vm" : "node",
              {},
              {}}));
  }
  if (auto ok = check_free(names, calls_per_node_); !ok) return done(fail(ok.error()));
  auto search = std::make_shared<Search>();
  search->vm = vm;
  search->pending = asked.size();
  search->done = std::move(done);
  for (const NodeView& view : asked) {
    ask(question(view.settings.name, "/v1/vms/" + vm),
        [search, view](const Result<http::Response>& answer) {
          take_answer(*search, view, answer);
        });
  }
}

void VmDirectory::list(std::function<void(Result<std::vector<Listed>>)> done) const {
  struct Listing {
    std::size_t pending = 0;
    std::vector<Listed> nodes;
    std::function<void(Result<std::vector<Listed>>)> done;
  };
  auto listing = std::make_shared<Listing>();
  listing->done = std::move(done);
  std::vector<std::string> names;
  for (const NodeView& view : nodes_.views()) {
    if (view.settings.role == NodeRole::vmm) names.push_back(view.settings.name);
  }
  // Who only looks must not keep others from attaching.
  const unsigned limit = std::max(1U, calls_per_node_ / 2);
  if (auto ok = check_free(names, limit); !ok) return listing->done(fail(ok.error()));
  for (const std::string& name : names) listing->nodes.push_back({name, {}});
  listing->pending = listing->nodes.size();
  if (listing->nodes.empty()) return listing->done(std::vector<Listed>());
  for (std::size_t i = 0; i < listing->nodes.size(); ++i) {
    ask(question(names[i], "/v1/inventory"), [listing, i](const Result<http::Response>& answer) {
      if (answer && answer->status == 200) {
        auto inventory = workflow::read_answer<wire::VmmInventory>(*answer);
        if (inventory) listing->nodes[i].vms = std::move(inventory->vms);
      }
      if (--listing->pending == 0) listing->done(std::move(listing->nodes));
    });
  }
}

}  // namespace vbs::api
