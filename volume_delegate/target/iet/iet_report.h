#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate {

/// What IET's kernel module says in /proc/net/iet, from 0.4.16 to 1.4.20 (kernel/volume.c,
/// session.c, conn.c, config.c; 1.4.20 has two more words on a volume's line). Anything that is not
/// understood is an error, never skipped.

struct IetUnit {
  std::uint32_t lun = 0;
  bool running = false;  ///< false: it is being deleted
  std::string io_type;   ///< "fileio", "blockio" or "nullio"
  std::string io_mode;   ///< "wt", "wb" or "ro"
  std::string path;
  std::uint64_t size_bytes = 0;  ///< 0 where this version does not tell
};

struct IetTarget {
  std::uint32_t tid = 0;
  std::string iqn;
  std::vector<IetUnit> units;
};

struct IetConnection {
  std::uint32_t cid = 0;
  std::string address;
};

struct IetSession {
  std::uint32_t tid = 0;
  std::uint64_t sid = 0;
  std::string initiator;
  std::vector<IetConnection> connections;
};

/// The file "volume".
Result<std::vector<IetTarget>> parse_iet_volumes(std::string_view text);
/// The file "session".
Result<std::vector<IetSession>> parse_iet_sessions(std::string_view text);
/// "ietadm version 1.4.19" -> 10419, comparable.
Result<unsigned> parse_iet_version(std::string_view text);

}  // namespace vbs::volume_delegate
