#include "app/backup.h"

#include <filesystem>
#include <system_error>

#include "base/failpoint.h"
#include "model/spooled.h"
#include "store/durable_file.h"
#include "store/open_store.h"
#include "store/row_store.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1U << 20;
constexpr std::string_view kMark = ".taubenpost-backup";  // ends the name of an unfinished copy

Error failed(const std::string& path, const std::error_code& code) {
  return error(Errc::kIo, "backup: " + printable(path, 4096) + ": " + code.message());
}

class Copy {
 public:
  Copy(const BackupPlan& plan, const KeySource& key, Disk& disk)
      : plan_(plan),
        key_(key),
        disk_(disk),
        parent_(folder_of(plan.target)),
        unfinished_(parent_ + "/." + plan.target.substr(plan.target.rfind('/') + 1) +
                    std::string(kMark)) {}

  Result<BackupResult> run() {
    // Held to the end: nobody else can open the store.
    const Result<OpenedStore> store = open_store_to_look(plan_.state_dir, key_, nullptr);
    if (!store) return store.error();
    TP_TRY(target_is_free());
    TP_TRY(disk_.make_folder(unfinished_));
    const Result<FolderLock> lock = FolderLock::take(unfinished_, "backup");
    if (!lock) return lock.error();
    TP_TRY(remove_content());  // of a run that was killed
    if (const Status copied = copy_all(*store); !copied) {
      std::error_code ignored;
      fs::remove_all(unfinished_, ignored);
      return copied.error();
    }
    TP_FAILPOINT("backup.copied");
    const Result<bool> placed = disk_.rename_no_replace(unfinished_, plan_.target);
    if (!placed) return placed.error();
    if (!*placed) return target_exists();
    TP_TRY(disk_.sync_folder(parent_));
    TP_FAILPOINT("backup.placed");
    return result_;
  }

 private:
  Error target_exists() const {
    return error(Errc::kRefused, "backup: " + printable(plan_.target, 4096) + ": exists already",
                 "name a folder that is not there yet");
  }

  Status target_is_free() const {
    std::error_code ignored;  // a folder that does not exist is found out below
    const std::string parent = fs::weakly_canonical(parent_, ignored).string() + "/";
    if (parent.starts_with(fs::weakly_canonical(plan_.state_dir, ignored).string() + "/"))
      return error(Errc::kRefused, "backup: the folder is inside the state directory",
                   "name one elsewhere, best on another disk");
    const Result<FileFacts> there = disk_.facts(plan_.target, Links::kKeep);
    if (there) return target_exists();
    return there.error().code == Errc::kNotFound ? ok() : Status(there.error());
  }

  Status remove_content() {
    const Result<std::vector<std::string>> names = disk_.names(unfinished_);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      std::error_code code;
      fs::remove_all(unfinished_ + "/" + name, code);
      if (code) return failed(unfinished_, code);
    }
    return ok();
  }

  Status copy_all(const OpenedStore& store) {
    TP_TRY(copy_file("config.toml"));
    if (plan_.with_key) TP_TRY(copy_file("store.key"));
    TP_TRY(copy_database());
    TP_TRY(copy_spools(store));
    const Result<OpenedStore> copied = open_store_to_look(unfinished_, key_, nullptr);
    if (!copied)
      return error(copied.error().code, "backup: the copy can't be opened: " + copied.error().what,
                   copied.error().hint);
    return disk_.sync_folder(unfinished_);
  }

  // Nothing is written to the database meanwhile: its files are one state of it.
  Status copy_database() {
    TP_TRY(disk_.make_folder(unfinished_ + "/store.db"));
    const Result<std::vector<std::string>> names = disk_.names(plan_.state_dir + "/store.db");
    if (!names) return names.error();
    for (const std::string& name : *names)
      if (name != "LOCK" && !name.starts_with("LOG")) TP_TRY(copy_file("store.db/" + name));
    return disk_.sync_folder(unfinished_ + "/store.db");
  }

  // What an upload reads, or will when it is tried again, and what came from standard input;
  // another job that is still preparing reads its source again.
  Status copy_spools(const OpenedStore& store) {
    const RowStore rows(*store.db, *store.seal);
    bool any = false;
    const auto copy = [&](const RowKey& key, std::string_view value) -> Status {
      const Result<SendJobRow> job = rows.unseal<SendJobRow>(key, value);
      if (!job) return job.error();
      if (!has_spool(*job)) return ok();
      if (!any) TP_TRY(disk_.make_folder(unfinished_ + "/spool"));
      any = true;
      return copy_file("spool/" + to_base32(job->id));
    };
    TP_TRY(rows.scan(send_job_prefix(), copy));
    return any ? disk_.sync_folder(unfinished_ + "/spool") : ok();
  }

  Status copy_file(const std::string& name) {
    Result<FileHandle> from = disk_.open(plan_.state_dir + "/" + name, OpenHow::kRead);
    if (!from) return from.error();
    Result<FileHandle> to = disk_.open(unfinished_ + "/" + name, OpenHow::kCreateNew);
    if (!to) return to.error();
    for (std::uint64_t offset = 0;;) {
      Result<Bytes> piece = disk_.read_at(*from, offset, kPiece);
      if (!piece) return piece.error();
      TP_TRY(disk_.write_at(*to, offset, *piece));
      offset += piece->size();
      const bool end = piece->size() < kPiece;
      wipe(*piece);  // the key file goes through here
      if (!end) continue;
      ++result_.files;
      result_.bytes += offset;
      return disk_.sync(*to);
    }
  }

  const BackupPlan& plan_;
  const KeySource& key_;
  Disk& disk_;
  const std::string parent_;
  const std::string unfinished_;
  BackupResult result_;
};

}  // namespace

Result<BackupResult> make_backup(const BackupPlan& plan, const KeySource& key, Disk& disk) {
  return Copy(plan, key, disk).run();
}

}  // namespace taubenpost
