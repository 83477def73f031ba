#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/delegate_client.h"
#include "api/settings.h"
#include "common/executor.h"
#include "common/wire/inventory.h"
#include "common/wire/node.h"

namespace vbs::api {

/// What the front last heard of one node.
struct NodeView {
  NodeSettings settings;
  bool up = false;                         ///< answered the last poll, and as itself
  std::string problem;                     ///< why it is not up, or not healthy
  std::optional<wire::NodeStatus> status;  ///< last good answer
  std::optional<WallTime> last_seen_at;
};

/// Asks every node regularly how it is. Polling lives on the executor; `view*` are for any thread.
class NodeRegistry {
 public:
  NodeRegistry(const Settings& settings, DelegateClient& delegates, const Clock& clock,
               Executor& executor);
  ~NodeRegistry();

  /// Begins polling; call on the executor.
  void start();
  std::vector<NodeView> views() const;
  std::optional<NodeView> view(std::string_view name) const;
  bool all_answered_once() const;

 private:
  struct State;
  void poll(std::size_t index);
  const Settings& settings_;
  DelegateClient& delegates_;
  const Clock& clock_;
  Executor& executor_;
  std::shared_ptr<State> state_;
};

/// A VM that was found on a node that answers.
struct FoundVm {
  wire::VmStatus vm;
  std::string node;
  std::string initiator;  ///< IQN of the node
};

/// Finds VMs by asking the VMM nodes, with so many questions to one node at once; beyond, it is
/// overloaded. Lives on the executor.
class VmDirectory {
 public:
  VmDirectory(const NodeRegistry& nodes, DelegateClient& delegates, unsigned calls_per_node)
      : nodes_(nodes),
        delegates_(delegates),
        calls_per_node_(calls_per_node),
        under_way_(std::make_shared<std::map<std::string, unsigned>>()) {}
  using FindDone = std::function<void(Result<FoundVm>)>;
  /// Looks on `node`, or on every VMM node when it is "": then all must answer, or it is
  /// node_unavailable. A VM of that name on two nodes is invalid_field, one that is nowhere
  /// not_found. `done` runs on the delegates' executor.
  void find(const std::string& vm, const std::string& node, FindDone done) const;

  struct Listed {
    std::string node;
    std::vector<wire::VmStatus> vms;
  };
  /// All VMs of all nodes that answer. Takes half of the questions at most.
  void list(std::function<void(Result<std::vector<Listed>>)> done) const;

 private:
  /// Why one of the nodes, with so many questions under way, cannot be asked now.
  Result<void> check_free(const std::vector<std::string>& nodes, unsigned limit) const;
  void ask(DelegateCall call, DelegateClient::Callback done) const;

  const NodeRegistry& nodes_;
  DelegateClient& delegates_;
  const unsigned calls_per_node_;
  std::shared_ptr<std::map<std::string, unsigned>> under_way_;  ///< questions, by node
};

}  // namespace vbs::api
