#include "tests/fakes/sim_network.h"

#include <future>

namespace vbs::fakes {

namespace {

Result<http::Response> timed_out(const std::string& node) {
  return fail({ErrorCode::timeout, "node " + node + ": no answer in time", {}, node, {}});
}

Result<http::Response> refused(const std::string& node) {
  return fail({ErrorCode::node_unavailable, "node " + node + ": connection refused", {}, node, {}});
}

}  // namespace

Result<http::Response> SimNetwork::carry_out(const api::DelegateCall& call) {
  Node& node = nodes_[call.node];
  if (node.down || !node.router) return refused(call.node);
  if (intercept_) {
    if (auto answer = intercept_(call)) return *answer;
  }
  if (call.method != http::Method::get) {
    arrived_.push_back(std::string(http::to_string(call.method)) + " " + call.node + " " +
                       call.path);
  }
  http::Request request;
  request.method = call.method;
  request.path = call.path;
  request.query = call.query;
  request.body = call.body;
  // The node may answer on a thread of its own; the world stands still meanwhile.
  std::promise<http::Response> answered;
  node.router->handle(std::move(request),
                      [&](http::Response response) { answered.set_value(std::move(response)); });
  const http::Response answer = answered.get_future().get();
  if (watch_ && call.method != http::Method::get) watch_();
  if (rewrite_) {
    if (auto other = rewrite_(call)) return *std::move(other);
  }
  return answer;
}

void SimNetwork::call(api::DelegateCall call, std::function<void(Result<http::Response>)> done) {
  const std::string node = call.node;
  if (happens(faults_.refuse)) {
    world_.add(latency(), [node, done] { done(refused(node)); });
    return;
  }
  const bool lost = happens(faults_.lose_request);
  const bool late = happens(faults_.delay_request);
  const bool unanswered = happens(faults_.lose_answer);
  const bool spoiled = happens(faults_.garbage);
  const Milliseconds timeout = call.timeout;
  const bool doubled = happens(faults_.duplicate);
  if (doubled && (lost || late)) double_later(call);
  if (late) {
    const Milliseconds later(static_cast<std::int64_t>(random_.below(60'000)));
    world_.add(timeout + later, [this, call] { (void)carry_out(call); });
  }
  if (lost || late) {
    world_.add(timeout, [node, done] { done(timed_out(node)); });
    return;
  }
  world_.add(latency(), [this, call = std::move(call), done = std::move(done), doubled, unanswered,
                         spoiled, timeout] {
    Result<http::Response> answer = carry_out(call);
    if (doubled && answer) double_later(call);  // of what did not arrive there is no second
    if (unanswered) {
      world_.add(timeout, [node = call.node, done] { done(timed_out(node)); });
      return;
    }
    if (spoiled && answer && answer->status < 300) answer->body = "<html>";
    world_.add(latency(), [answer = std::move(answer), done] { done(answer); });
  });
}

void SimNetwork::double_later(const api::DelegateCall& call) {
  const Milliseconds later(static_cast<std::int64_t>(random_.below(30'000)));
  world_.add(latency() + later, [this, call] { (void)carry_out(call); });
}

void SimDelegateClient::call(api::DelegateCall call, Callback done) {
  network_.call(std::move(call),
                [life = executor_.life(), done = std::move(done)](Result<http::Response> answer) {
                  if (!life.expired()) done(std::move(answer));
                });
}

}  // namespace vbs::fakes
