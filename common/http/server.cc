#include "common/http/server.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "common/http/listener.h"
#include "common/http/shard.h"
#include "common/log.h"
#include "common/random.h"

namespace vbs::http {

namespace {

/// Sets ids of different runs apart.
std::string run_prefix() {
  SystemRandom random;
  return random.alphanumeric(8);
}

Result<void> check_options(const ServerOptions& options) {
  if (options.threads == 0) return fail_field("threads", "a server needs at least one thread");
  if (options.max_connections == 0) return fail_field("max_connections", "must be at least 1");
  if (options.header_limit < 256) return fail_field("header_limit", "must be at least 256 bytes");
  if (options.request_timeout.count() <= 0 || options.idle_timeout.count() <= 0) {
    return fail_field("request_timeout", "time-outs must be longer than 0");
  }
  return {};
}

/// The rest of the descriptors are for requests in handlers, and for what else the process opens: a
/// server without one could not even close a connection for another.
ServerOptions within_descriptors(ServerOptions options) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return options;
  const std::size_t most = std::max<std::size_t>(1, descriptors.rlim_cur / 2);
  if (options.max_connections <= most) return options;
  log::warning("fewer connections are kept than max_connections: half of the open files allowed",
               {{"max_connections", static_cast<std::int64_t>(options.max_connections)},
                {"kept", static_cast<std::int64_t>(most)}});
  options.max_connections = most;
  return options;
}

}  // namespace

struct Server::Impl {
  explicit Impl(std::shared_ptr<ServerState> server_state);
  void run();
  void stop(Milliseconds grace);
  bool all_drained() const;
  template <class F>
  void on_all_shards(F act);

  std::shared_ptr<ServerState> state;
  std::mutex mutex;
  std::condition_variable drained;
  std::vector<std::shared_ptr<Shard>> shards;
  std::unique_ptr<Listener> listener;
  std::vector<std::thread> threads;
  std::once_flag stopped;
};

Server::Impl::Impl(std::shared_ptr<ServerState> server_state) : state(std::move(server_state)) {
  const std::string prefix = run_prefix();
  for (unsigned i = 0; i < state->options.threads; ++i) {
    auto notify = [this] {
      const std::lock_guard lock(mutex);
      drained.notify_all();
    };
    shards.push_back(
        std::make_shared<Shard>(state, prefix + "-" + std::to_string(i) + "-", notify));
  }
  listener = std::make_unique<Listener>(*state, shards);
}

void Server::Impl::run() {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    threads.emplace_back([shard = shards[i].get()] { shard->run(); });
    ::pthread_setname_np(threads.back().native_handle(), ("http-" + std::to_string(i)).c_str());
  }
  boost::asio::post(shards.front()->context(), [this] { listener->accept(); });
}

bool Server::Impl::all_drained() const {
  for (const auto& shard : shards) {
    if (!shard->is_drained()) return false;
  }
  return true;
}

template <class F>
void Server::Impl::on_all_shards(F act) {
  for (const auto& shard : shards) {
    boost::asio::post(shard->context(), [shard = shard.get(), act] { act(*shard); });
  }
}

void Server::Impl::stop(Milliseconds grace) {
  std::promise<void> closed;
  boost::asio::post(shards.front()->context(), [this, &closed] {
    listener->close();
    closed.set_value();
  });
  closed.get_future().wait();
  on_all_shards([](Shard& shard) { shard.drain(); });
  {
    std::unique_lock lock(mutex);
    drained.wait_for(lock, grace, [this] { return all_drained(); });
  }
  on_all_shards([](Shard& shard) { shard.close(); });
  for (auto& thread : threads) thread.join();
  // A Responder that is still out keeps the state alive; it needs no handler any more.
  state->handler = nullptr;
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler) {
  if (auto ok = check_options(options); !ok) return fail(ok.error());
  auto impl = std::make_unique<Impl>(
      std::make_shared<ServerState>(within_descriptors(options), std::move(handler)));
  if (auto ok = impl->listener->open(); !ok) return fail(ok.error());
  impl->run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return impl_->listener->port();
}

ServerCounters Server::counters() const {
  ServerCounters counters;
  for (const auto& shard : impl_->shards) counters.connections_open += shard->open();
  counters.connections_total = impl_->state->connections_total.load();
  counters.connections_evicted = impl_->state->connections_evicted.load();
  counters.requests_total = impl_->state->requests_total.load();
  counters.requests_rejected = impl_->state->requests_rejected.load();
  counters.accept_failures = impl_->state->accept_failures.load();
  return counters;
}

void Server::stop(Milliseconds grace) {
  std::call_once(impl_->stopped, [&] { impl_->stop(grace); });
}

}  // namespace vbs::http
