#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate {

/// What tgtd 1.0.85 says about itself, in its own text. This is the only place that knows the
/// form of these reports; recorded ones are in tests/recorded/tgt. Anything that is not understood
/// is an error, never skipped: a misread access list or session list would be dangerous.

struct TgtConnection {
  std::uint32_t cid = 0;
  std::string address;
};

/// "I_T nexus" in the report; its number is the session id that closing a connection wants.
struct TgtSession {
  std::uint64_t sid = 0;
  std::string initiator;
  std::vector<TgtConnection> connections;
};

struct TgtLun {
  std::uint64_t lun = 0;
  std::string type;  ///< "disk"; LUN 0 is always a "controller"
  std::string serial;
  bool online = false;
  bool read_only = false;
  bool thin = false;
  std::string backing_type;  ///< "rdwr"
  std::string path;
};

struct TgtTarget {
  std::uint32_t tid = 0;
  std::string iqn;
  std::string state;  ///< "ready" or "offline"
  std::vector<TgtSession> sessions;
  std::vector<TgtLun> luns;
  std::vector<std::string> accounts;  ///< incoming ones; an outgoing one ends in " (outgoing)"
  std::vector<std::string> acl;       ///< addresses and initiator names, mixed
};

/// `--mode target --op show`.
Result<std::vector<TgtTarget>> parse_tgt_targets(std::string_view text);
/// `--mode portal --op show`: "127.0.0.1:3260", "[::]:3260".
Result<std::vector<std::string>> parse_tgt_portals(std::string_view text);

}  // namespace vbs::volume_delegate
