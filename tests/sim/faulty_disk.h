#pragma once

#include <functional>

namespace vbs::sim {

/// The disk below every SQLite database of this process (a VFS around the usual one; see
/// sqlite.org/vfs.html). For one thread.
class FaultyDisk {
 public:
  enum class Call { write, sync };
  /// Asked before each call; a result code of SQLite, other than SQLITE_OK, is what it ends with.
  using Trouble = std::function<int(Call)>;

  /// Once, before any database is opened.
  static void install();
  static void set_trouble(Trouble trouble);
};

}  // namespace vbs::sim
