// The list of all failpoints. Every name here is reached by the crash matrix.
#pragma once

#include <array>
#include <string_view>

namespace taubenpost {

inline constexpr std::array kFailpoints{
    // store/open_store.cc: around each file that makes a store
    std::string_view{"store.key.before"},
    std::string_view{"store.key.after"},
    std::string_view{"store.incarnation.before"},
    std::string_view{"store.incarnation.after"},
    std::string_view{"store.publish.before"},
    std::string_view{"store.publish.after"},
    std::string_view{"store.restored.marked"},
    // store/committer.cc: around every synced write batch
    std::string_view{"store.commit.before"},
    std::string_view{"store.commit.after"},
    // engine/send_job.cc
    std::string_view{"send.prepare.read"},
    std::string_view{"send.decided"},
    std::string_view{"send.before_posted"},
    // engine/resync.cc
    std::string_view{"resync.before_commit"},
    std::string_view{"resync.committed"},
    // engine/end_send.cc, engine/retry_send.cc, engine/share_send.cc
    std::string_view{"send.ended"},
    std::string_view{"send.retried"},
    std::string_view{"send.shared"},
    // engine/batch_job.cc
    std::string_view{"send.batch.opened"},
    std::string_view{"send.slice.built"},
    std::string_view{"send.slice.stored"},
    std::string_view{"send.element.before_write"},
    std::string_view{"send.element.written"},
    std::string_view{"send.element.acknowledged"},
    std::string_view{"send.copy.before_issue"},
    std::string_view{"send.copy.answered"},
    std::string_view{"send.batch.read_back"},
    // engine/direct_batch.cc
    std::string_view{"direct.before_write"},
    std::string_view{"direct.written"},
    // engine/batch_content.cc
    std::string_view{"send.letter.read_back"},
    // engine/retract_job.cc
    std::string_view{"retract.started"},
    std::string_view{"retract.before_end"},
    // engine/retract_content.cc
    std::string_view{"retract.letter.read_back"},
    // engine/tombstone.cc
    std::string_view{"retract.box.written"},
    // files/spool.cc
    std::string_view{"files.spool.before_sync"},
    std::string_view{"files.spool.synced"},
    std::string_view{"files.spool.folder_synced"},
    // files/part_file.cc, files/decode_part.cc
    std::string_view{"files.part.before_sync"},
    std::string_view{"files.part.synced"},
    std::string_view{"files.part.decoded"},
    std::string_view{"files.part.replaced"},
    std::string_view{"files.place.before_rename"},
    std::string_view{"files.place.renamed"},
    std::string_view{"files.place.folder_synced"},
    // engine/poll.cc
    std::string_view{"receive.poll.before_commit"},
    std::string_view{"receive.poll.committed"},
    // engine/body_fetch.cc
    std::string_view{"receive.chunks.before_mark"},
    std::string_view{"receive.chunks.marked"},
    // engine/receive_job.cc
    std::string_view{"receive.checked"},
    std::string_view{"receive.before_placed"},
    // app/backup.cc
    std::string_view{"backup.copied"},
    std::string_view{"backup.placed"},
};

}  // namespace taubenpost
