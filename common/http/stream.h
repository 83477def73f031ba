#pragma once

#include <array>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/http/socket.h"
#include "common/http/tls_stream.h"

namespace vbs::http {

/// What a connection of either side reads from and writes to: a TCP socket, or TLS over one. On one
/// thread, with one reading and one writing operation at a time; neither completes inside the call
/// that starts it. Destruction closes it.
class Stream {
 public:
  using Parts = TlsStream::Parts;

  /// Over a connection that was accepted; plain without `tls`.
  Stream(Socket socket, const TlsContext* tls);
  /// Not connected yet.
  Stream(boost::asio::io_context& context, const TlsContext* tls);

  Socket& socket() { return tls_ ? tls_->socket() : *socket_; }
  /// nullptr on a plain connection.
  TlsStream* tls() { return tls_.get(); }

  template <class Done>
  void read_some(boost::asio::mutable_buffer into, Done done) {
    if (tls_) {
      tls_->read_some(into, std::move(done));
    } else {
      socket_->async_read_some(into, std::move(done));
    }
  }

  /// Writes everything; what `parts` point at stays where it is until then.
  template <class Done>
  void write(const Parts& parts, Done done) {
    if (tls_) {
      tls_->write(parts, std::move(done));
    } else {
      boost::asio::async_write(*socket_, parts, std::move(done));
    }
  }

  /// What the kernel takes at once of a non-blocking plain socket, without an operation to queue.
  /// TLS takes nothing in this way.
  std::size_t write_now(const Parts& parts, boost::system::error_code& ec);

  /// Ends the sending side, after which `done` is called: at once where there is no TLS.
  void finish_sending(std::function<void()> done);
  void close();
  /// Whether a connection that waits for nothing has nothing to read. If it has, that is its end,
  /// or an answer to nothing.
  bool is_silent();
  /// Whether it was secured with certificates, or checked against a CA, that `tls` has replaced.
  bool is_outdated(const TlsContext* tls) const { return tls_ && tls && tls_->is_outdated(*tls); }

 private:
  std::optional<Socket> socket_;  ///< one of the two
  std::shared_ptr<TlsStream> tls_;
};

}  // namespace vbs::http
