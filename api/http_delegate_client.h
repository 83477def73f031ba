#pragma once

#include "api/delegate_client.h"
#include "api/settings.h"
#include "common/http/client.h"
#include "common/secret.h"

namespace vbs::api {

/// Delegates over HTTP with the service token.
class HttpDelegateClient final : public DelegateClient {
 public:
  HttpDelegateClient(http::Client& client, const Settings& settings, Secret service_token)
      : client_(client), settings_(settings), token_(std::move(service_token)) {}
  void call(DelegateCall call, Callback done) override;

 private:
  http::Client& client_;
  const Settings& settings_;
  Secret token_;
};

}  // namespace vbs::api
