#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "common/http/tls.h"

namespace vbs::http {

/// For a client whose library makes the connections: sets up its context, and remembers for which
/// certificate a connection failed, which such libraries do not tell. Thread-safe; outlives the
/// context's connections.
class TlsWatch {
 public:
  TlsWatch(TlsOptions options, std::string host)
      : options_(std::move(options)), host_(std::move(host)) {}

  /// Whether the files are good.
  Result<void> check() const;
  /// `configure_tls` and `expect_host`, and this object as the observer.
  void apply(ssl_ctx_st* context);
  /// Why a certificate, ours or the peer's, was refused since the last call: "it refused our
  /// certificate, which has expired". Nothing if none was.
  std::optional<std::string> take_refusal();

  void note(std::string refusal);
  const std::string& host() const { return host_; }

 private:
  const TlsOptions options_;
  const std::string host_;
  std::mutex mutex_;
  std::optional<std::string> refusal_;
};

}  // namespace vbs::http
