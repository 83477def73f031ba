#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tests/unit/vmm_delegate/unix_peer.h"

namespace vbs::test {

/// A tree as `xenstore-ls -f` prints it: path = "text".
inline std::map<std::string, std::string> xenstore_tree(const std::string& recording) {
  std::ifstream in(std::string(VBS_SOURCE_DIR "/tests/recorded/xen/4.17/") + recording);
  EXPECT_TRUE(in) << recording;
  std::map<std::string, std::string> tree;
  for (std::string line; std::getline(in, line);) {
    const auto middle = line.find(" = \"");
    if (line.starts_with('/') && middle != std::string::npos) {
      tree[line.substr(0, middle)] = line.substr(middle + 4, line.size() - middle - 5);
    }
  }
  return tree;
}

/// The far end of a xenstored socket that answers as a test wants it to. Serves one client at a
/// time.
class XenstorePeer {
 public:
  /// The bytes that answer one question; nullopt closes the connection.
  using Answer = std::function<std::optional<std::string>(std::uint32_t type, std::uint32_t request,
                                                          const std::string& path)>;

  XenstorePeer(const std::string& path, Answer answer)
      : answer_(std::move(answer)), peer_(path, [this](const UnixPeer& peer, int fd) {
          while (peer.readable(fd) && serve_one(peer, fd)) {
          }
        }) {}

  static std::string message(std::uint32_t type, std::uint32_t request,
                             const std::string& payload) {
    const std::uint32_t header[] = {type, request, 0, static_cast<std::uint32_t>(payload.size())};
    std::string bytes(sizeof(header), '\0');
    std::memcpy(bytes.data(), header, sizeof(header));
    return bytes + payload;
  }

  /// Answers from a tree, as xenstored does.
  static Answer of(std::map<std::string, std::string> tree) {
    return [tree = std::move(tree)](std::uint32_t type, std::uint32_t request,
                                    const std::string& path) -> std::optional<std::string> {
      const std::string below = path + "/";
      std::string names;
      bool known = tree.contains(path);
      for (const auto& [node, text] : tree) {
        if (!node.starts_with(below)) continue;
        known = true;
        const std::string name = node.substr(below.size());
        if (name.find('/') == std::string::npos) names += name + '\0';
      }
      if (!known) return message(16, request, std::string("ENOENT") + '\0');
      return message(type, request, type == 1 ? names : tree.at(path));
    };
  }

 private:
  bool serve_one(const UnixPeer& peer, int fd) {
    std::uint32_t header[4];
    if (::recv(fd, header, sizeof(header), MSG_WAITALL) != sizeof(header)) return false;
    std::string path(header[3], '\0');
    if (::recv(fd, path.data(), path.size(), MSG_WAITALL) != static_cast<ssize_t>(path.size())) {
      return false;
    }
    const auto answer = answer_(header[0], header[1], path.c_str());
    return answer && peer.send(fd, *answer);
  }

  const Answer answer_;
  UnixPeer peer_;  ///< last: it uses the other
};

}  // namespace vbs::test
