#pragma once

#include <cstddef>
#include <string_view>

namespace vbs::http {

/// Why a received message is refused.
enum class Fault { none, malformed, header_too_large, body_too_large };

struct Verdict {
  Fault fault = Fault::none;
  const char* reason = "";  ///< for the peer; a constant
  bool ok() const { return fault == Fault::none; }
};

/// Finds the end of a message head (start line and fields) in bytes as they arrive, and refuses at
/// once what the parser behind it would let pass or wait for: lines ended by LF alone, folded
/// fields (RFC 9112, section 5.2), a first byte that starts no message, a head above the limit.
class HeadScanner {
 public:
  explicit HeadScanner(std::size_t limit) : limit_(limit) {}

  /// `bytes` starts at the head's first byte in every call and has grown since the last one. Sets
  /// `length` to the head's length with its empty line, or to 0 while more bytes are needed.
  Verdict scan(std::string_view bytes, std::size_t& length);

 private:
  std::size_t limit_;
  std::size_t line_start_ = 0;
};

/// Collects what a head's fields say about the length of the body, and refuses every form that two
/// readers could understand differently (RFC 9112, section 6.3). Also counts fields.
class FieldRules {
 public:
  Verdict add(std::string_view name, std::string_view value);
  /// Exactly one Host in HTTP/1.1, no transfer coding in HTTP/1.0 (RFC 9112, sections 3.2 and 6.1).
  Verdict finish_request(bool http11) const;
  /// An answer that has a body must say where it ends, so that a lost connection is noticed.
  Verdict finish_response(bool http11, bool has_body) const;

 private:
  std::size_t fields_ = 0;
  std::size_t hosts_ = 0;
  bool has_length_ = false;
  bool chunked_ = false;
};

}  // namespace vbs::http
