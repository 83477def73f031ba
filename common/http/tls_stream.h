#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/http/message.h"
#include "common/http/socket.h"
#include "common/http/tls.h"

namespace vbs::http {

/// TLS over one TCP connection. Lives on one thread; one reading and one writing operation may be
/// under way at a time. Operations hold the stream, and end when it is closed.
class TlsStream : public std::enable_shared_from_this<TlsStream> {
 public:
  using SystemError = boost::system::error_code;
  using Transferred = std::function<void(const SystemError&, std::size_t)>;
  using Finished = std::function<void(const SystemError&)>;
  using Parts = std::array<boost::asio::const_buffer, 2>;

  /// The stream is closed when the last copy of this pointer goes; operations hold no such copy.
  static std::shared_ptr<TlsStream> open(Socket socket, const TlsContext& tls);
  /// Over a socket that is not connected yet.
  static std::shared_ptr<TlsStream> open(boost::asio::io_context& context, const TlsContext& tls);

  Socket& socket() { return stream_.next_layer(); }
  /// The server's side of the handshake.
  void accept(Finished done);
  /// The client's side. The server's certificate must be for `host`.
  void connect(const std::string& host, Finished done);
  void read_some(boost::asio::mutable_buffer into, Transferred done);
  /// Writes everything; `parts` stay where they are until `done`.
  void write(const Parts& parts, Transferred done);
  /// Says that nothing more will be sent, and waits for the peer to say the same, or anything else.
  void shut_down(std::function<void()> done);
  void close();

  /// Whether something was received that nobody has read.
  bool has_pending();
  /// Whether `tls` has read its files again since the stream was opened with it.
  bool is_outdated(const TlsContext& tls);
  /// Whose certificate the peer showed; after a handshake.
  std::shared_ptr<const Identity> peer();
  /// Why the handshake failed with `error`, as the end of a sentence about the peer.
  std::string failure(const SystemError& error);

 private:
  /// `lower` makes the socket.
  template <class Lower>
  TlsStream(Lower&& lower, boost::asio::ssl::context context)
      : stream_(std::forward<Lower>(lower), context) {}
  static std::shared_ptr<TlsStream> closing(std::shared_ptr<TlsStream> stream);

  boost::asio::ssl::stream<Socket> stream_;
  std::string host_;    ///< whose certificate the client expects
  std::string joined_;  ///< both parts of a small message: one record instead of two
};

}  // namespace vbs::http
