#pragma once

#include <memory>
#include <string>

#include "cli/pause.h"
#include "cli/transport.h"
#include "common/http/tls.h"
#include "common/secret.h"

namespace vbs::cli {

/// The real Transport, over cpprestsdk. Its header is kept out of here on purpose: it costs seconds
/// to compile. Redirects are not followed (the token would go with them) and no proxy is used.
/// Nothing is connected before the first `send`.
class RestClient final : public Transport {
 public:
  /// `url` as checked by the settings; `pause` ends a request when the user interrupts.
  RestClient(std::string url, Secret token, http::TlsOptions tls, const SignalPause& pause);
  ~RestClient() override;

  Result<http::Response> send(const http::Request& request, Milliseconds deadline) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::cli
