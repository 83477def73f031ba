#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "common/file.h"

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

  XenstorePeer(const std::string& path, Answer answer) : answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), raw, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~XenstorePeer() {
    stopping_ = true;
    thread_.join();
  }
  XenstorePeer(const XenstorePeer&) = delete;
  XenstorePeer& operator=(const XenstorePeer&) = delete;

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
  bool readable(int fd) const {
    pollfd entry{fd, POLLIN, 0};
    while (!stopping_) {
      if (::poll(&entry, 1, 5) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (readable(listener_.get())) {
      const FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      while (readable(client.get()) && serve_one(client.get())) {
      }
    }
  }

  bool serve_one(int fd) {
    std::uint32_t header[4];
    if (::recv(fd, header, sizeof(header), MSG_WAITALL) != sizeof(header)) return false;
    std::string path(header[3], '\0');
    if (::recv(fd, path.data(), path.size(), MSG_WAITALL) != static_cast<ssize_t>(path.size())) {
      return false;
    }
    const auto answer = answer_(header[0], header[1], path.c_str());
    if (!answer) return false;
    return ::send(fd, answer->data(), answer->size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(answer->size());
  }

  Answer answer_;
  FileDescriptor listener_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace vbs::test
