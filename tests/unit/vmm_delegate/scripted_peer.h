#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/vmm_delegate/unix_peer.h"

namespace vbs::test {

/// The far end of a UNIX socket that speaks lines as a test wants it to. Serves one client at a
/// time, as QEMU does.
class ScriptedPeer {
 public:
  /// Bytes to send back for one line; nullopt closes the connection.
  using Answer = std::function<std::optional<std::string>(const std::string& line)>;

  ScriptedPeer(const std::string& path, std::string greeting, Answer answer)
      : greeting_(std::move(greeting)),
        answer_(std::move(answer)),
        peer_(path, [this](const UnixPeer& peer, int fd) { serve(peer, fd); }) {}

  std::vector<std::string> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  void serve(const UnixPeer& peer, int fd) {
    if (!peer.send(fd, greeting_)) return;
    std::string pending;
    char chunk[4096];
    while (peer.readable(fd)) {
      const ssize_t got = ::recv(fd, chunk, sizeof(chunk), 0);
      if (got <= 0) return;
      pending.append(chunk, static_cast<std::size_t>(got));
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        const std::string line = pending.substr(0, end);
        pending.erase(0, end + 1);
        {
          const std::lock_guard lock(mutex_);
          received_.push_back(line);
        }
        const auto bytes = answer_(line);
        if (!bytes || !peer.send(fd, *bytes)) return;
      }
    }
  }

  const std::string greeting_;
  const Answer answer_;
  mutable std::mutex mutex_;
  std::vector<std::string> received_;
  UnixPeer peer_;  ///< last: it uses the others
};

}  // namespace vbs::test
