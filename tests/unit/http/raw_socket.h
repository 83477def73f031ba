#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "common/file.h"

namespace vbs::http::test {

/// A wait that only a broken program reaches.
inline constexpr int kPatienceMs = 20'000;

/// One answer as it stood on the wire.
struct RawAnswer {
  int status = 0;
  std::string head;
  std::string body;

  std::string field(std::string name) const {
    auto lower = [](std::string text) {
      std::transform(text.begin(), text.end(), text.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return text;
    };
    const std::string haystack = lower(head);
    const std::size_t at = haystack.find("\r\n" + lower(std::move(name)) + ": ");
    if (at == std::string::npos) return {};
    const std::size_t start = head.find(": ", at) + 2;
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

/// A blocking socket that sends exactly the bytes it is given. Every wait is bounded.
class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  static RawSocket connect(std::uint16_t port, int receive_buffer = 0) {
    FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      return RawSocket();
    }
    return RawSocket(std::move(fd));
  }

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }
  void finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }

  /// False when the peer is gone or takes no more for `patience_ms`.
  bool send(std::string_view bytes, int patience_ms = kPatienceMs) {
    while (!bytes.empty()) {
      pollfd ready{fd_.get(), POLLOUT, 0};
      if (::poll(&ready, 1, patience_ms) <= 0) return false;
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// Waits for bytes; false at the end of the connection.
  bool fill(int patience_ms = kPatienceMs) {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, patience_ms) <= 0) return false;
    char chunk[16 * 1024];
    const ssize_t n = ::recv(fd_.get(), chunk, sizeof(chunk), 0);
    if (n <= 0) return false;
    received_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }

  /// True when the peer closes without another byte. A reset counts as closing.
  bool is_closed_by_peer() {
    pollfd ready{fd_.get(), POLLIN, 0};
    if (!received_.empty() || ::poll(&ready, 1, kPatienceMs) <= 0) return false;
    char byte = 0;
    return ::recv(fd_.get(), &byte, 1, 0) <= 0;
  }

  /// The next answer (`status` 0 if none comes); `bodiless` for an answer to HEAD.
  RawAnswer answer(bool bodiless = false) {
    RawAnswer answer;
    std::size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return answer;
    }
    answer.head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    answer.status = std::atoi(answer.head.substr(9, 3).c_str());
    if (bodiless) return answer;
    const std::size_t length = std::strtoul(answer.field("Content-Length").c_str(), nullptr, 10);
    while (received_.size() < length && fill()) {
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    return answer;
  }

  /// Reads up to and including `mark`; what came before it is returned too. "" if it does not come.
  std::string read_until(std::string_view mark) {
    std::size_t end = std::string::npos;
    while ((end = received_.find(mark)) == std::string::npos) {
      if (!fill()) return {};
    }
    std::string text = received_.substr(0, end + mark.size());
    received_.erase(0, end + mark.size());
    return text;
  }

  const std::string& received() const { return received_; }

 private:
  FileDescriptor fd_;
  std::string received_;
};

/// A listening socket whose connections are served by one function on one thread, one after
/// another.
class RawServer {
 public:
  using Script = std::function<void(RawSocket&, int number)>;

  explicit RawServer(Script script) : script_(std::move(script)) {
    listening_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_.get(), generic, length), 0);
    EXPECT_EQ(::listen(listening_.get(), 64), 0);
    EXPECT_EQ(::getsockname(listening_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    ::shutdown(listening_.get(), SHUT_RDWR);
    thread_.join();
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve() {
    for (int number = 0;; ++number) {
      const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      RawSocket socket{FileDescriptor(fd)};
      script_(socket, number);
    }
  }

  Script script_;
  FileDescriptor listening_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace vbs::http::test
