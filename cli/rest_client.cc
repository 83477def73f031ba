#include "cli/rest_client.h"

// cpprestsdk's headers name asio::io_service, which the rest of the project does without.
#undef BOOST_ASIO_NO_DEPRECATED

#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <poll.h>
#include <pplx/threadpool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "cli/text.h"
#include "common/http/tls_watch.h"

namespace vbs::cli {
namespace {

using web::http::http_request;
using web::http::http_response;

constexpr std::size_t kThreads = 2;
/// The largest list page is under 2 MiB; this is for the audit of a large installation.
constexpr std::size_t kBodyLimit = 16 * 1024 * 1024;
/// How long an abandoned request may take to let go of its connection.
constexpr Milliseconds kCancelGrace{1'000};

/// One exchange under way, shared with cpprestsdk's threads: they may outlast the wait for them.
struct Exchange {
  Exchange() : done(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void finish(Result<http::Response> outcome) {
    {
      const std::lock_guard lock(mutex);
      result = std::move(outcome);
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(done.get(), &one, sizeof one);
  }

  FileDescriptor done;
  std::mutex mutex;
  Result<http::Response> result = fail(ErrorCode::timeout, "no answer yet");
  /// As long as it is false, the service cannot have taken the request.
  std::atomic<bool> maybe_sent = false;
  /// The body goes straight in here, so that no answer can grow beyond it, chunked or not.
  std::unique_ptr<std::uint8_t[]> body = std::make_unique_for_overwrite<std::uint8_t[]>(kBodyLimit);
  concurrency::streams::rawptr_buffer<std::uint8_t> buffer{body.get(), kBodyLimit, std::ios::out};
};

std::string path_and_query(const http::Request& request) {
  std::string text = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    text += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  }
  return text;
}

http_request to_cpprest(const http::Request& request, const std::string& base,
                        const Secret& token) {
  http_request message(std::string(http::to_string(request.method)));
  message.set_request_uri(web::uri(base + path_and_query(request)));
  message.headers().add("Accept", "application/json");
  message.headers().add("User-Agent", "vbs/" VBS_VERSION);
  if (!token.empty()) message.headers().add("Authorization", "Bearer " + token.reveal());
  for (const auto& [name, value] : request.headers.all()) message.headers().add(name, value);
  if (!request.body.empty()) message.set_body(request.body, "application/json");
  return message;
}

http::Response from_cpprest(const http_response& answer, const Exchange& exchange) {
  http::Response response;
  response.status = answer.status_code();
  response.content_type = answer.headers().content_type();
  const auto length = static_cast<std::size_t>(exchange.buffer.getpos(std::ios::out));
  response.body.assign(reinterpret_cast<const char*>(exchange.body.get()), length);
  return response;
}

/// cpprestsdk's codes are of many origins, with their categories lost, and some mean one thing
/// while it connects and another after that: only whether the request was sent tells which it is.
tl::unexpected<Error> transport_error(const web::http::http_exception& error, bool maybe_sent) {
  if (error.error_code() == std::errc::timed_out) {
    return fail(ErrorCode::timeout, "the connection timed out");
  }
  if (!maybe_sent) return fail(ErrorCode::node_unavailable, error.what());
  // What came back and is no HTTP has no code.
  return fail(ErrorCode::timeout, error.error_code() ? "the connection was lost" : error.what());
}

/// Runs on cpprestsdk's threads, at the end of every exchange however it ends: a task whose
/// exception nobody looked at would abort the program.
void conclude(const std::shared_ptr<Exchange>& exchange, pplx::task<http_response> task) {
  try {
    exchange->finish(from_cpprest(task.get(), *exchange));
  } catch (const web::http::http_exception& error) {
    exchange->finish(transport_error(error, exchange->maybe_sent));
  } catch (const pplx::task_canceled&) {
    exchange->finish(fail(ErrorCode::timeout, "the request was given up"));
  } catch (const std::exception& error) {
    exchange->finish(fail(ErrorCode::internal,
                          std::string("the answer is broken or above 16 MiB: ") + error.what()));
  }
}

/// True once the exchange is done; false when the deadline passed or the user interrupted.
bool wait_for(const Exchange& exchange, int interrupt, Milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> entries{pollfd{exchange.done.get(), POLLIN, 0},
                                  pollfd{interrupt, POLLIN, 0}};
    const int wait = left.count() > 0 ? static_cast<int>(left.count()) : 0;
    const int ready = poll(entries.data(), entries.size(), wait);
    if (ready < 0 && errno == EINTR) continue;
    return entries[0].revents != 0;
  }
}

web::http::client::http_client_config configuration(const std::shared_ptr<http::TlsWatch>& tls) {
  web::http::client::http_client_config config;
  config.set_ssl_context_callback(
      [tls](boost::asio::ssl::context& context) { tls->apply(context.native_handle()); });
  config.set_max_redirects(0);
  config.set_proxy(web::web_proxy(web::web_proxy::disabled));
  return config;
}

/// "http://host:7700" of "http://host:7700/prefix".
std::string authority_of(const std::string& url) {
  const auto host = url.find("://") + 3;
  return url.substr(0, url.find('/', host));
}

/// "host" of "https://host:7700", "::1" of "https://[::1]:7700".
std::string host_of(const std::string& url) {
  const std::string authority = authority_of(url).substr(url.find("://") + 3);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

struct RestClient::Impl {
  Impl(std::string service_url, Secret access_token, http::TlsOptions tls_files,
       const SignalPause& user_pause)
      : url(std::move(service_url)),
        token(std::move(access_token)),
        tls(std::make_shared<http::TlsWatch>(std::move(tls_files), host_of(url))),
        pause(user_pause) {}

  bool is_secure() const { return url.starts_with("https://"); }

  web::http::client::http_client& client() {
    if (!connection) {
      static std::once_flag once;
      std::call_once(once, [] { crossplat::threadpool::initialize_with_threads(kThreads); });
      connection = std::make_unique<web::http::client::http_client>(web::uri(authority_of(url)),
                                                                    configuration(tls));
    }
    return *connection;
  }

  /// What follows the authority in front of every path: a prefix, or nothing.
  std::string prefix() const { return url.substr(authority_of(url).size()); }

  std::string url;
  Secret token;
  /// Shared with cpprestsdk's connections, which may outlast this.
  std::shared_ptr<http::TlsWatch> tls;
  const SignalPause& pause;
  std::unique_ptr<web::http::client::http_client> connection;
};

RestClient::RestClient(std::string url, Secret token, http::TlsOptions tls,
                       const SignalPause& pause)
    : impl_(std::make_unique<Impl>(std::move(url), std::move(token), std::move(tls), pause)) {}

RestClient::~RestClient() = default;

Result<http::Response> RestClient::send(const http::Request& request, Milliseconds deadline) try {
  if (impl_->is_secure()) {
    if (auto good = impl_->tls->check(); !good) return fail(good.error());
  }
  const auto exchange = std::make_shared<Exchange>();
  http_request message = to_cpprest(request, impl_->prefix(), impl_->token);
  message.set_response_stream(exchange->buffer.create_ostream());
  // First called when all of the request's head is with the kernel.
  message.set_progress_handler([exchange](auto...) { exchange->maybe_sent = true; });
  pplx::cancellation_token_source cancel;
  impl_->client()
      .request(message, cancel.get_token())
      .then([](http_response answer) { return answer.content_ready(); })
      .then([exchange](pplx::task<http_response> task) { conclude(exchange, std::move(task)); });

  const bool interruptible = !impl_->pause.interrupted();
  if (!wait_for(*exchange, interruptible ? impl_->pause.descriptor() : -1, deadline)) {
    cancel.cancel();
    wait_for(*exchange, -1, kCancelGrace);
    if (impl_->pause.interrupted()) return fail(ErrorCode::timeout, "interrupted");
    return fail(ErrorCode::timeout,
                "no answer within " + std::to_string(deadline.count() / 1000) + " s");
  }
  const std::lock_guard lock(exchange->mutex);
  if (!exchange->result) {
    // cpprestsdk says no more than that the handshake or the first read failed.
    if (auto refusal = impl_->tls->take_refusal())
      return fail(ErrorCode::unauthenticated, std::move(*refusal));
  }
  return std::move(exchange->result);
} catch (const std::exception& error) {
  return fail(ErrorCode::internal, std::string("the request cannot be sent: ") + error.what());
}

}  // namespace vbs::cli
