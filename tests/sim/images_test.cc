// Volumes from images, on the real front and services: which images are known, how they are named,
// and where the volumes are made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/units.h"
#include "tests/sim/world.h"

namespace vbs::sim {
namespace {

using http::Method;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using volume_delegate::ObjectKind;
using volume_delegate::StoredImage;

const Uuid kDebian = *Uuid::parse("0190d1a2-0000-7000-8000-00000000000d");
const Uuid kOther = *Uuid::parse("0190d1a2-0000-7000-8000-00000000000e");
/// More than one sweep.
constexpr Milliseconds kSweep{15'000};

class ImagesTest : public testing::Test {
 protected:
  void offer(VolumeNode& node, const StoredImage& image) {
    node.store.offer(image);
    world.time.run_for(kSweep);
  }
  World::Answer create(const std::string& body, const std::string& key = "") {
    return world.carry_out(Method::post, "/v1/volumes", body, key);
  }
  std::string get(const std::string& path) {
    return world.carry_out(Method::get, path).response->body;
  }
  std::string state_of(const World::Answer& answer) {
    const auto body = json::parse(get("/v1/operations/" + answer.member("operation", "id")));
    return *body->find("state")->as<std::string>();
  }
  void expect_refused(const std::string& body, unsigned status, const std::string& field,
                      const std::string& words = "") {
    const auto refused = create(body);
    EXPECT_EQ(refused.status(), status) << body << refused.response->body;
    EXPECT_THAT(refused.response->body,
                AllOf(HasSubstr(R"("field":")" + field + "\""), HasSubstr(words)));
  }
  void restart() {
    world.kill_front();
    world.start_front();
    world.time.run_for(Milliseconds(100));
  }

  World world{5};
};

TEST_F(ImagesTest, AreListedAsTheServersOfferThem) {
  EXPECT_EQ(get("/v1/images"), R"({"images":[],"next":null})");
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB});
  offer(world.volumes, {kOther, "", 1000});
  const std::string debian =
      R"({"id":")" + kDebian.str() +
      R"(","name":"debian-12","size_bytes":3145728,"volume_servers":["vs1"]})";
  EXPECT_EQ(get("/v1/images"),
            R"({"images":[)" + debian + R"(,{"id":")" + kOther.str() +
                R"(","name":null,"size_bytes":1000,"volume_servers":["vs1"]}],)" +
                R"("next":null})");
  EXPECT_EQ(get("/v1/images/" + kDebian.str()), debian);
  EXPECT_EQ(world.carry_out(Method::get, "/v1/images/debian-12").status(), 400u);
  EXPECT_EQ(world.carry_out(Method::get, "/v1/images?limit=1").status(), 400u);
  world.volumes.store.withdraw(kDebian);
  world.time.run_for(kSweep);
  EXPECT_EQ(world.carry_out(Method::get, "/v1/images/" + kDebian.str()).status(), 404u);
  EXPECT_THAT(get("/v1/audit"), HasSubstr(R"("findings":[])"));
}

TEST_F(ImagesTest, AreNamedByIdOrName) {
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB});
  for (const std::string& image : {kDebian.str(), std::string("debian-12")}) {
    const auto made = create(R"({"image":")" + image + R"("})");
    ASSERT_EQ(state_of(made), "succeeded") << made.response->body;
    const std::string id = made.member("volume", "id");
    EXPECT_THAT(get("/v1/volumes/" + id),
                AllOf(HasSubstr(R"("size_bytes":3145728)"),
                      HasSubstr(R"("source":{"type":"image","id":")" + kDebian.str() + R"("})")));
    const volume_delegate::ObjectRef source{ObjectKind::image, kDebian};
    EXPECT_EQ(world.volumes.store.find_volume(*Uuid::parse(id))->source, source);
  }
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ImagesTest, GiveTheirSizeInWholeMiBUnlessALargerOneIsWanted) {
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB + 1});
  EXPECT_THAT(create(R"({"image":"debian-12"})").response->body,
              HasSubstr(R"("size_bytes":4194304)"));
  EXPECT_THAT(create(R"({"image":"debian-12","size_bytes":8388608})").response->body,
              HasSubstr(R"("size_bytes":8388608)"));
  expect_refused(R"({"image":"debian-12","size_bytes":3145728})", 400, "size_bytes", "3145729");
  offer(world.volumes, {kOther, "huge", kMaxVolumeSize + 1});
  expect_refused(R"({"image":"huge"})", 400, "size_bytes");
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ImagesTest, ThatAreNoneAreSaid) {
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB});
  expect_refused(R"({"image":"debian-13"})", 404, "image", "there is no image debian-13");
  expect_refused(R"({"image":")" + kOther.str() + R"("})", 404, "image");
  expect_refused(R"({"image":""})", 400, "image");
  expect_refused(R"({"image":"a/b"})", 400, "image");
  expect_refused(R"({"image":7})", 400, "image");
  expect_refused(
      R"({"image":"debian-12","source":{"type":"volume","id":")" + kOther.str() + R"("}})", 400,
      "image", "beside a source");
  offer(world.volumes, {kOther, "debian-12", 3 * kMiB});
  expect_refused(R"({"image":"debian-12"})", 400, "image", kOther.str());
  EXPECT_EQ(world.rows("volumes"), 0);
}

TEST_F(ImagesTest, OfAServerThatWasNotHeardMayBeThere) {
  world.network.set_down("vs1", true);
  restart();
  EXPECT_EQ(world.carry_out(Method::get, "/v1/images/" + kDebian.str()).status(), 503u);
  expect_refused(R"({"image":"debian-12"})", 503, "image", "vs1 has not said yet");
}

TEST_F(ImagesTest, ThatAreGoneMeanwhileEndTheOperation) {
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB});
  world.volumes.store.withdraw(kDebian);
  const auto made = create(R"({"image":"debian-12"})");
  EXPECT_EQ(made.status(), 202u);
  EXPECT_EQ(state_of(made), "failed");
  EXPECT_THAT(get("/v1/volumes"), HasSubstr(R"({"volumes":[])"));
  EXPECT_THAT(world.disagreements(), IsEmpty());
}

TEST_F(ImagesTest, ARepeatNeedsThemNoMore) {
  offer(world.volumes, {kDebian, "debian-12", 3 * kMiB});
  const auto made = create(R"({"image":"debian-12"})", "once");
  world.volumes.store.withdraw(kDebian);
  world.time.run_for(kSweep);
  const auto again = create(R"({"image":"debian-12"})", "once");
  EXPECT_EQ(again.member("operation", "id"), made.member("operation", "id"));
  EXPECT_EQ(create(R"({"image":"debian-13"})", "once").status(), 409u);
  EXPECT_EQ(world.rows("volumes"), 1);
}

TEST_F(ImagesTest, VolumesAreMadeWhereTheyAre) {
  VolumeNode second("vs2", world.around);
  world.network.add_node("vs2", [&](http::Request r) { return second.serve(std::move(r)); });
  world.settings.nodes.push_back({"vs2", api::NodeRole::volume_server, {"127.0.0.1", 3}});
  restart();
  offer(second, {kDebian, "debian-12", 3 * kMiB});
  EXPECT_EQ(create(R"({"image":"debian-12"})").member("volume", "volume_server"), "vs2");
  expect_refused(R"({"image":"debian-12","volume_server":"vs1"})", 400, "volume_server", "vs2");
  expect_refused(R"({"image":"debian-12","volume_server":"vs9"})", 400, "volume_server");

  world.network.set_down("vs2", true);
  world.time.run_for(kSweep);
  EXPECT_THAT(get("/v1/images"), HasSubstr(R"(["vs2"])"));
  const auto refused = create(R"({"image":"debian-12"})");
  EXPECT_EQ(refused.status(), 503u);
  EXPECT_THAT(refused.response->body, HasSubstr("no volume server there is up"));

  offer(world.volumes, {kDebian, "", 4 * kMiB});
  EXPECT_THAT(get("/v1/images"), AllOf(HasSubstr(R"(["vs1","vs2"])"), HasSubstr("debian-12"),
                                       HasSubstr(R"("size_bytes":4194304)")));
  EXPECT_EQ(create(R"({"image":"debian-12"})").member("volume", "volume_server"), "vs1");
  world.kill_front();
}

}  // namespace
}  // namespace vbs::sim
