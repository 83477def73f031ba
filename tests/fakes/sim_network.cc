#include "tests/fakes/sim_network.h"

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
  if (node.down || !node.serve) return refused(call.node);
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
  if (order_) order_(call, request);
  auto answer = node.serve(std::move(request));
  if (answer && answer_) answer_(call, *answer);
  if (watch_ && call.method != http::Method::get) watch_();
  if (rewrite_) {
    if (auto other = rewrite_(call)) return *std::move(other);
  }
  return answer;
}

Fate SimNetwork::draw() {
  Fate fate;
  fate.refused = happens(faults_.refuse);
  if (fate.refused) return fate;
  fate.request_lost = happens(faults_.lose_request);
  fate.late = happens(faults_.delay_request);
  fate.answer_lost = happens(faults_.lose_answer);
  fate.spoiled = happens(faults_.garbage);
  fate.doubled = happens(faults_.duplicate);
  fate.slow = happens(faults_.slow);
  return fate;
}

/// There and back take less than the caller waits.
Milliseconds SimNetwork::one_way(const Fate& fate, Milliseconds timeout) {
  if (!fate.slow) return latency();
  return Milliseconds(
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(timeout.count()) / 2)));
}

void SimNetwork::call(api::DelegateCall call, std::function<void(Result<http::Response>)> done) {
  const std::string node = call.node;
  const Fate fate = decide_ ? decide_(call) : draw();
  if (fate.refused) {
    world_.add(latency(), [node, done] { done(refused(node)); });
    return;
  }
  const Milliseconds timeout = call.timeout;
  const bool missed = fate.request_lost || fate.late;
  if (fate.doubled && missed) double_later(call);
  if (fate.late) {
    const Milliseconds later(static_cast<std::int64_t>(random_.below(60'000)));
    world_.add(timeout + later, [this, call] { (void)carry_out(call); });
  }
  if (missed) {
    world_.add(timeout, [node, done] { done(timed_out(node)); });
    return;
  }
  const Milliseconds there = one_way(fate, timeout);
  world_.add(there, [this, call = std::move(call), done = std::move(done), fate, timeout] {
    Result<http::Response> answer = carry_out(call);
    // Of what did not arrive there is no second.
    if (fate.doubled && answer) double_later(call);
    if (fate.answer_lost) {
      world_.add(timeout, [node = call.node, done] { done(timed_out(node)); });
      return;
    }
    if (fate.spoiled && answer && answer->status < 300) answer->body = "<html>";
    world_.add(one_way(fate, timeout), [answer = std::move(answer), done] { done(answer); });
  });
}

void SimNetwork::double_later(const api::DelegateCall& call) {
  const Milliseconds later(static_cast<std::int64_t>(random_.below(30'000)));
  world_.add(latency() + later, [this, call] { (void)carry_out(call); });
}

void SimDelegateClient::call(api::DelegateCall call, Callback done) {
  auto slot = std::make_shared<std::optional<Result<http::Response>>>();
  Task answered = executor_.wrap([slot, done = std::move(done)] { done(**std::move(slot)); });
  network_.call(std::move(call), [slot, answered](Result<http::Response> answer) {
    *slot = std::move(answer);
    answered();
  });
}

}  // namespace vbs::fakes
