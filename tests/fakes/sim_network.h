#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/delegate_client.h"
#include "common/http/message.h"
#include "tests/fakes/sim_executor.h"

namespace vbs::fakes {

/// How often what goes wrong on a link, each once in so many calls; 0 never.
struct LinkFaults {
  std::uint64_t refuse = 0;         ///< nothing arrives, the caller knows
  std::uint64_t lose_request = 0;   ///< nothing arrives, the caller times out
  std::uint64_t lose_answer = 0;    ///< carried out, the caller times out
  std::uint64_t delay_request = 0;  ///< carried out long after the caller timed out
  std::uint64_t duplicate = 0;      ///< carried out a second time, later
  std::uint64_t garbage = 0;        ///< the answer is no JSON
  std::uint64_t slow = 0;           ///< under way for long, and yet answered in time
};

/// What becomes of one call.
struct Fate {
  bool refused = false;
  bool request_lost = false;
  bool answer_lost = false;
  bool late = false;
  bool doubled = false;
  bool spoiled = false;
  bool slow = false;
};

/// The delegates of a simulated world behind a network that may do wrong. A call that arrives is
/// carried out at once, on the real services of the node.
class SimNetwork {
 public:
  SimNetwork(SimWorld& world, SimRandom& random) : world_(world), random_(random) {}

  /// What a node answers, or what its caller sees of its death.
  using Serve = std::function<Result<http::Response>(http::Request)>;
  void add_node(const std::string& name, Serve serve) { nodes_[name].serve = std::move(serve); }
  void set_down(const std::string& name, bool down) { nodes_[name].down = down; }
  void set_faults(LinkFaults faults) { faults_ = faults; }
  /// Asked before each call; what it gives is what happens, instead of what chance would have.
  using Decide = std::function<Fate(const api::DelegateCall&)>;
  void set_fate(Decide decide) { decide_ = std::move(decide); }
  /// Calls that change something, in order of arrival: "PUT vs1 /v1/exports/...".
  const std::vector<std::string>& arrived() const { return arrived_; }
  /// Asked before a call is carried out; an answer given here stands for the node's.
  using Intercept = std::function<std::optional<http::Response>(const api::DelegateCall&)>;
  void set_intercept(Intercept intercept) { intercept_ = std::move(intercept); }
  /// Asked after a call was carried out; what is given here takes the place of the node's answer.
  using Rewrite = std::function<std::optional<Result<http::Response>>(const api::DelegateCall&)>;
  void set_rewrite(Rewrite rewrite) { rewrite_ = std::move(rewrite); }
  /// What becomes of orders and of answers on their way, as where the node is of another version.
  using OnItsWay = std::function<void(const api::DelegateCall&, http::Request&)>;
  using OnItsWayBack = std::function<void(const api::DelegateCall&, http::Response&)>;
  void set_dialect(OnItsWay order, OnItsWayBack answer) {
    order_ = std::move(order);
    answer_ = std::move(answer);
  }
  /// Called after each call that changes something.
  void set_watch(std::function<void()> watch) { watch_ = std::move(watch); }

  void call(api::DelegateCall call, std::function<void(Result<http::Response>)> done);

 private:
  struct Node {
    Serve serve;
    bool down = false;
  };
  bool happens(std::uint64_t once_in) { return once_in != 0 && random_.once_in(once_in); }
  Fate draw();
  Milliseconds latency() { return Milliseconds(1 + static_cast<std::int64_t>(random_.below(3))); }
  Milliseconds one_way(const Fate& fate, Milliseconds timeout);
  Result<http::Response> carry_out(const api::DelegateCall& call);
  void double_later(const api::DelegateCall& call);

  SimWorld& world_;
  SimRandom& random_;
  LinkFaults faults_;
  Decide decide_;
  std::map<std::string, Node> nodes_;
  std::vector<std::string> arrived_;
  Intercept intercept_;
  Rewrite rewrite_;
  OnItsWay order_;
  OnItsWayBack answer_;
  std::function<void()> watch_;
};

/// One front's access to the network; answers to a dead front go nowhere.
class SimDelegateClient final : public api::DelegateClient {
 public:
  SimDelegateClient(SimNetwork& network, const SimExecutor& executor)
      : network_(network), executor_(executor) {}
  void call(api::DelegateCall call, Callback done) override;

 private:
  SimNetwork& network_;
  const SimExecutor& executor_;
};

}  // namespace vbs::fakes
