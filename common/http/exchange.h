#pragma once

#include <atomic>
#include <memory>

#include "common/http/shard.h"

namespace vbs::http {

/// The answer that one request in a handler is owed. Shared by the copies of its Responder, so it
/// may outlive connection and server, which it reaches only while they are there. Thread-safe.
class Exchange {
 public:
  /// Counts the request as being in a handler; nullptr when there are too many (a request with
  /// `priority` is always let in).
  static std::shared_ptr<Exchange> begin(Shard& shard, std::weak_ptr<Connection> connection,
                                         bool priority);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void answer(Response response);
  static Responder responder(std::shared_ptr<Exchange> exchange);

 private:
  Exchange(Shard& shard, std::weak_ptr<Connection> connection);
  void deliver(Response response);

  std::shared_ptr<Shard> shard_;
  std::weak_ptr<Connection> connection_;
  std::atomic<bool> answered_{false};
};

}  // namespace vbs::http
