#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace vbs::volume_delegate {

/// An address and TCP port on which a target daemon listens.
struct Portal {
  std::string address;  ///< numeric IPv4 or IPv6, without brackets
  std::uint16_t port = 3260;

  /// "127.0.0.1:3260" or "[::1]:3260". A wildcard address is refused, because initiators are told
  /// this very address; so are ports from 32768, which the kernel hands out to other programs'
  /// outgoing connections and which may therefore be busy just when a daemon restarts.
  static Result<Portal> parse(std::string_view text);
  /// The same form again.
  std::string str() const;
  bool operator==(const Portal&) const = default;
};

/// Tries to listen there, and lets go again. The error names the port and how to find who has it.
Result<void> check_portal_is_free(const Portal& portal);
/// Whether anybody listens there, or on every address, as the kernel's table of sockets tells.
Result<bool> portal_is_listening(const Portal& portal);

}  // namespace vbs::volume_delegate
