#pragma once

#include <deque>
#include <functional>

#include "cli/service.h"

namespace vbs::cli::testing {

/// Time that passes only when somebody waits.
class ManualClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(Milliseconds(millis)); }
  MonotonicTime monotonic() const override { return MonotonicTime(Milliseconds(millis)); }
  std::int64_t millis = 1'700'000'000'000;
};

/// Waits by moving the clock, and interrupts at a given moment.
class ManualPause final : public Pause {
 public:
  explicit ManualPause(ManualClock& clock) : clock_(clock) {}
  bool pause(Milliseconds duration) override {
    clock_.millis += duration.count();
    pauses.push_back(duration);
    return !interrupted();
  }
  bool interrupted() const override { return clock_.millis >= interrupt_at; }

  std::int64_t interrupt_at = std::numeric_limits<std::int64_t>::max();
  std::vector<Milliseconds> pauses;

 private:
  ManualClock& clock_;
};

/// Answers by a function and remembers what was sent.
class ScriptedTransport final : public Transport {
 public:
  using Script = std::function<Result<http::Response>(const http::Request&)>;
  explicit ScriptedTransport(Script answer) : script(std::move(answer)) {}
  Result<http::Response> send(const http::Request& request, Milliseconds) override {
    requests.push_back(request);
    return script(request);
  }

  Script script;
  std::vector<http::Request> requests;
};

/// Everything a Service needs, around a script.
struct ServiceFixture {
  explicit ServiceFixture(ScriptedTransport::Script script) : transport(std::move(script)) {}

  ManualClock clock;
  ManualPause pause{clock};
  ScriptedTransport transport;
  SystemRandom random;
  Service service{"http://service", transport, pause, clock, random};
};

inline http::Response json_answer(std::string body, unsigned status = 200) {
  return http::json(status, std::move(body));
}

inline tl::unexpected<Error> connection_lost() {
  return fail(ErrorCode::node_unavailable, "connection refused");
}

inline json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  if (!value) throw std::runtime_error(value.error().message);
  return *value;
}

}  // namespace vbs::cli::testing
