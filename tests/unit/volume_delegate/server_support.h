#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "common/json.h"
#include "common/units.h"
#include "tests/fakes/fake_backing_store.h"
#include "tests/fakes/fake_target_driver.h"
#include "tests/fakes/memory_records.h"
#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/volume_server.h"

namespace vbs::volume_delegate::testing {

/// A whole volume server over fakes: requests go through its routes, on the calling thread.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() { restart(); }

  /// A new incarnation over the same disk, target daemon and records, as after a crash.
  void restart() {
    copies_.clear();
    server_.reset();
    exports_ = std::move(*ExportRecords::load(export_folder_));
    tombstones_ = std::move(*Tombstones::load(tombstone_folder_));
    server_ = std::make_unique<VolumeServer>(VolumeServerParts{store_, target_, *exports_,
                                                               *tombstones_, clock_,
                                                               [this](Task task, Urgency urgency) {
                                                                 copies_.push_back(std::move(task));
                                                                 urgency_ = urgency;
                                                                 return true;
                                                               },
                                                               "vs1", iqn_prefix_});
    router_ = http::Router();
    server_->add_routes(router_, [](auto handler) -> http::Handler {
      return
          [handler](http::Request request, http::Responder respond) { respond(handler(request)); };
    });
    server_->tend();
  }

  http::Response send(http::Method method, const std::string& target,
                      const std::string& body = "") {
    http::Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    std::string query =
        target.find('?') == std::string::npos ? "" : target.substr(request.path.size() + 1);
    for (std::size_t end = 0; !query.empty();
         query.erase(0, end == std::string::npos ? end : end + 1)) {
      end = query.find('&');
      const std::string pair = query.substr(0, end);
      request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    }
    request.body = body;
    http::Response answer;
    router_.handle(std::move(request),
                   [&](http::Response response) { answer = std::move(response); });
    return answer;
  }
  http::Response put(const std::string& target, const std::string& body) {
    return send(http::Method::put, target, body);
  }
  http::Response get(const std::string& target) { return send(http::Method::get, target); }
  http::Response del(const std::string& target) { return send(http::Method::del, target); }

  /// "409 conflict", or "200" for a success: what a table of expectations wants to see.
  static std::string said(const http::Response& response) {
    const std::string status = std::to_string(response.status);
    if (response.status < 300) return status;
    return status + " " + std::string(to_string(http::error_of(response).code));
  }
  template <class Status>
  static Status read(const http::Response& response) {
    const auto value = json::parse(response.body);
    EXPECT_TRUE(value) << response.body;
    auto status = value ? Status::from_json(*value) : fail(value.error());
    EXPECT_EQ("", trouble(status)) << response.body;
    return status.value_or(Status{});
  }

  static std::string volume(unsigned n) { return "/v1/volumes/" + id(n).str(); }
  static std::string snapshot(unsigned n) { return "/v1/snapshots/" + id(n).str(); }
  static std::string export_of(unsigned n) { return "/v1/exports/" + id(n).str(); }
  static std::string iqn(unsigned n) { return "iqn.2026-01.vbs:" + id(n).str(); }

  static std::string blank(std::uint64_t mib) {
    return "{\"size_bytes\":" + std::to_string(mib * kMiB) + "}";
  }
  static std::string copy_of(const std::string& kind, unsigned source, std::uint64_t mib) {
    return "{\"size_bytes\":" + std::to_string(mib * kMiB) + ",\"source_kind\":\"" + kind +
           "\",\"source\":\"" + id(source).str() + "\"}";
  }
  static std::string of_volume(unsigned n) { return "{\"volume\":\"" + id(n).str() + "\"}"; }

  struct Order {
    unsigned volume = 1;
    std::string initiator = "iqn.2026-01.host:1";
    std::string user = "user1";
    std::string secret = "secretsecret12";
    bool read_only = false;
    std::int64_t generation = 2;
  };
  static std::string order(const Order& o) {
    wire::ExportSpec spec;
    spec.volume = id(o.volume);
    spec.initiator = o.initiator;
    spec.chap_user = o.user;
    spec.chap_secret = Secret(o.secret);
    spec.read_only = o.read_only;
    spec.generation = o.generation;
    json::Writer out;
    spec.to_json(out);
    return out.take();
  }

  void run_copies() {
    while (!copies_.empty()) {
      const Task task = std::move(copies_.front());
      copies_.pop_front();
      task();
    }
  }
  /// Lets the periodic look happen that compares every target with its record.
  void let_time_pass() {
    clock_.advance(std::chrono::seconds(10));
    server_->tend();
  }

  std::string iqn_prefix_ = "iqn.2026-01.vbs";  ///< of the next incarnation
  ManualClock clock_;
  fakes::FakeBackingStore store_{1000 * kMiB};
  fakes::FakeTargetDriver target_;
  fakes::MemoryRecords export_folder_;
  fakes::MemoryRecords tombstone_folder_;
  std::deque<Task> copies_;
  Urgency urgency_ = Urgency::usual;  ///< of the last copy
  std::unique_ptr<ExportRecords> exports_;
  std::unique_ptr<Tombstones> tombstones_;
  std::unique_ptr<VolumeServer> server_;
  http::Router router_;
};

}  // namespace vbs::volume_delegate::testing
