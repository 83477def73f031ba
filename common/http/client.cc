#include "common/http/client.h"

#include <unordered_map>

#include "common/http/client_exchange.h"
#include "common/http/serialize.h"

namespace vbs::http {

struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
  Impl(EventLoop& event_loop, ClientOptions client_options)
      : loop(event_loop),
        options(client_options),
        pool(std::make_shared<IdlePool>(event_loop.context(), client_options)) {}

  void start(Outgoing outgoing, Callback done);
  void close();

  EventLoop& loop;
  const ClientOptions options;
  std::shared_ptr<IdlePool> pool;
  std::unordered_map<ClientExchange*, std::shared_ptr<ClientExchange>> exchanges;
  bool closed = false;
};

void Client::Impl::start(Outgoing outgoing, Callback done) {
  if (closed) return;
  auto finished = [weak = weak_from_this(), done = std::move(done)](ClientExchange& exchange,
                                                                    Result<Response> result) {
    if (auto self = weak.lock()) self->exchanges.erase(&exchange);
    done(std::move(result));
  };
  auto exchange = std::make_shared<ClientExchange>(loop.context(), pool, options,
                                                   std::move(outgoing), std::move(finished));
  exchanges.emplace(exchange.get(), exchange);
  exchange->start();
}

void Client::Impl::close() {
  closed = true;
  for (const auto& [key, exchange] : exchanges) exchange->abandon();
  exchanges.clear();
  pool->close();
}

Client::Client(EventLoop& loop, ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, options)) {}

Client::~Client() {
  impl_->close();
}

void Client::send(const Endpoint& endpoint, Request request, Milliseconds deadline, Callback done) {
  Outgoing outgoing;
  outgoing.deadline = std::chrono::steady_clock::now() + deadline;
  outgoing.allowed = deadline;
  outgoing.endpoint = endpoint;
  outgoing.method = request.method;
  auto head = format_head(endpoint, request);
  if (!head) {
    impl_->loop.post([impl = impl_, done = std::move(done), error = head.error()] {
      if (!impl->closed) done(fail(error));
    });
    return;
  }
  outgoing.head = std::move(*head);
  outgoing.body = std::move(request.body);
  auto shared = std::make_shared<Outgoing>(std::move(outgoing));
  impl_->loop.post(
      [impl = impl_, done = std::move(done), shared] { impl->start(std::move(*shared), done); });
}

}  // namespace vbs::http
