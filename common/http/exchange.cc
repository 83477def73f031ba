#include "common/http/exchange.h"

#include <boost/asio/dispatch.hpp>

#include "common/http/connection.h"
#include "common/log.h"

namespace vbs::http {

std::shared_ptr<Exchange> Exchange::begin(Shard& shard, std::weak_ptr<Connection> connection,
                                          bool priority) {
  ServerState& state = shard.state();
  const std::size_t before = state.in_handlers.fetch_add(1, std::memory_order_relaxed);
  if (before >= state.options.max_requests && !priority) {
    state.in_handlers.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  return std::shared_ptr<Exchange>(new Exchange(shard, std::move(connection)));
}

Exchange::Exchange(Shard& shard, std::weak_ptr<Connection> connection)
    : shard_(shard.shared_from_this()), connection_(std::move(connection)) {}

Exchange::~Exchange() {
  if (!answered_.load()) {
    deliver(problem(Error{ErrorCode::internal, "the request was dropped unanswered", {}, {}, {}}));
  }
}

void Exchange::answer(Response response) {
  if (answered_.exchange(true)) {
    log::error("a handler answered a request twice; the second answer is dropped");
    return;
  }
  deliver(std::move(response));
}

Responder Exchange::responder(std::shared_ptr<Exchange> exchange) {
  return [exchange = std::move(exchange)](Response response) {
    exchange->answer(std::move(response));
  };
}

void Exchange::deliver(Response response) {
  shard_->state().in_handlers.fetch_sub(1, std::memory_order_relaxed);
  // The task holds no reference to the shard: after a stop it stays in the io_context's queue.
  boost::asio::dispatch(shard_->context(), [connection = std::move(connection_),
                                            response = std::move(response)]() mutable {
    if (auto alive = connection.lock()) alive->answer(std::move(response));
  });
}

}  // namespace vbs::http
