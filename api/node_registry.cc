#include "api/node_registry.h"

#include "api/workflow/calls.h"
#include "common/log.h"

namespace vbs::api {

struct NodeRegistry::State {
  mutable std::mutex mutex;
  std::vector<NodeView> views;
  std::vector<bool> answered;
  std::vector<TimerId> timers;
};

namespace {

std::string_view role_name(NodeRole role) {
  return role == NodeRole::vmm ? "vmm" : "volume-server";
}

/// The node's own word about itself, or why it cannot be taken.
Result<wire::NodeStatus> read_status(const NodeSettings& settings,
                                     const Result<http::Response>& answer) {
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return fail(http::error_of(*answer));
  auto status = workflow::read_answer<wire::NodeStatus>(*answer);
  if (!status) return status;
  if (status->name != settings.name || status->role != role_name(settings.role)) {
    return fail(ErrorCode::node_unavailable,
                "at " + settings.endpoint.str() + " answers " + status->role + " " + status->name +
                    ", not " + std::string(role_name(settings.role)) + " " + settings.name);
  }
  return status;
}

}  // namespace

NodeRegistry::NodeRegistry(const Settings& settings, DelegateClient& delegates, const Clock& clock,
                           Executor& executor)
    : settings_(settings),
      delegates_(delegates),
      clock_(clock),
      executor_(executor),
      state_(std::make_shared<State>()) {
  for (const NodeSettings& node : settings.nodes) {
    NodeView view;
    view.settings = node;
    view.problem = "not asked yet";
    state_->views.push_back(std::move(view));
  }
  state_->answered.resize(settings.nodes.size());
  state_->timers.resize(settings.nodes.size());
}

NodeRegistry::~NodeRegistry() {
  for (TimerId timer : state_->timers) executor_.cancel(timer);
}

void NodeRegistry::start() {
  for (std::size_t i = 0; i < settings_.nodes.size(); ++i) poll(i);
}

void NodeRegistry::poll(std::size_t index) {
  DelegateCall call;
  call.node = settings_.nodes[index].name;
  call.path = "/v1/node";
  call.timeout = settings_.node_poll_timeout;
  delegates_.call(std::move(call), [this, weak = std::weak_ptr(state_),
                                    index](Result<http::Response> answer) {
    auto state = weak.lock();
    if (!state) return;
    auto status = read_status(settings_.nodes[index], answer);
    {
      std::lock_guard lock(state->mutex);
      NodeView& view = state->views[index];
      if (status.has_value() != view.up || !state->answered[index]) {
        log::info(
            status ? "node is up" : "node is down",
            {{"node", view.settings.name}, {"problem", status ? "" : describe(status.error())}});
      }
      state->answered[index] = true;
      view.up = status.has_value();
      view.problem = status ? status->problem : describe(status.error());
      if (status) {
        view.status = *status;
        view.last_seen_at = clock_.wall();
      }
    }
    state->timers[index] = executor_.post_after(settings_.node_poll_interval, [this, weak, index] {
      if (!weak.expired()) poll(index);
    });
  });
}

std::vector<NodeView> NodeRegistry::views() const {
  std::lock_guard lock(state_->mutex);
  return state_->views;
}

std::optional<NodeView> NodeRegistry::view(std::string_view name) const {
  std::lock_guard lock(state_->mutex);
  for (const NodeView& view : state_->views) {
    if (view.settings.name == name) return view;
  }
  return std::nullopt;
}

bool NodeRegistry::all_answered_once() const {
  std::lock_guard lock(state_->mutex);
  for (bool answered : state_->answered) {
    if (!answered) return false;
  }
  return true;
}

}  // namespace vbs::api
