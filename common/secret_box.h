#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "common/secret.h"

namespace vbs {

/// Seals secrets that are to be kept in a database: AES-256-GCM (NIST SP 800-38D) with a fresh
/// 96-bit nonce each. What is sealed for one owner, the id of a row, opens for no other.
/// Thread-safe.
class SecretBox {
 public:
  /// From the text of a key file: one key a line, each 64 hexadecimal digits. The first one seals;
  /// those after it only open what was sealed before it came.
  static Result<SecretBox> from_text(std::string_view text);
  /// The text of a key file with one new key.
  static Secret new_key_text(Random& random);

  /// Whether a text is one that `seal` makes, of whatever key.
  static bool is_sealed(std::string_view text);
  /// Letters, digits and a colon: 59 characters and two for each byte of the secret.
  std::string seal(const Secret& secret, std::string_view owner, Random& random) const;
  /// internal if no key opens it for this owner; the message tells nothing of its content.
  Result<Secret> open(std::string_view sealed, std::string_view owner) const;
  bool has_older_keys() const { return keys_.size() > 1; }

 private:
  explicit SecretBox(std::vector<Secret> keys) : keys_(std::move(keys)) {}
  std::vector<Secret> keys_;  ///< 32 bytes each
};

}  // namespace vbs
