#include "common/http/stream.h"

namespace vbs::http {

using boost::system::error_code;

Stream::Stream(Socket socket, const TlsContext* tls) {
  if (tls) {
    tls_ = TlsStream::open(std::move(socket), *tls);
  } else {
    socket_.emplace(std::move(socket));
  }
}

Stream::Stream(boost::asio::io_context& context, const TlsContext* tls) {
  if (tls) {
    tls_ = TlsStream::open(context, *tls);
  } else {
    socket_.emplace(context);
  }
}

std::size_t Stream::write_now(const Parts& parts, error_code& ec) {
  if (!tls_) return socket_->write_some(parts, ec);
  ec = boost::asio::error::would_block;
  return 0;
}

void Stream::finish_sending(std::function<void()> done) {
  if (!tls_) {
    error_code ignored;
    socket_->shutdown(Socket::shutdown_send, ignored);
    done();
    return;
  }
  tls_->shut_down([tls = tls_.get(), done = std::move(done)] {
    error_code ignored;
    tls->socket().shutdown(Socket::shutdown_send, ignored);
    done();
  });
}

void Stream::close() {
  error_code ignored;
  socket().close(ignored);
}

bool Stream::is_silent() {
  std::array<char, 1> byte{};
  error_code ec;
  socket().non_blocking(true, ec);
  if (ec || (tls_ && tls_->has_pending())) return false;
  socket().receive(boost::asio::buffer(byte), boost::asio::socket_base::message_peek, ec);
  return ec == boost::asio::error::would_block;
}

}  // namespace vbs::http
