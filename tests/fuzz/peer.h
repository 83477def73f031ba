#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "common/file.h"
#include "tests/fuzz/folder.h"

namespace vbs::fuzz {

/// Whoever listens on a UNIX socket and says the same to each that connects, whatever it is asked.
class Peer {
 public:
  Peer();
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& path() const { return path_; }
  void say(std::string_view text);

 private:
  std::string what_to_say();
  void serve();

  Folder folder_;
  const std::string path_;
  FileDescriptor listener_;
  std::mutex mutex_;
  std::string text_;
  std::thread thread_;
};

}  // namespace vbs::fuzz
