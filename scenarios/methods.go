package scenarios

import (
	"slices"
	"strings"
)

// documentation is where the pages of the Cortex documentation are.
const documentation = "https://emotiv.gitbook.io/cortex-api/"

// methodChapter is some methods whose pages lie in one folder of the documentation;
// without a path they have no page there.
type methodChapter struct {
	path    string
	methods []string
}

func methodChapters() []methodChapter {
	return []methodChapter{
		{"authentication", []string{
			"getCortexInfo", "getUserLogin", "requestAccess", "hasAccessRight", "authorize", "generateNewToken", "getUserInformation", "getLicenseInfo",
		}},
		{"", []string{"inspectApi"}},
		{"headset", []string{"controlDevice", "queryHeadsets", "updateHeadset", "updateHeadsetCustomInfo", "syncWithHeadsetClock"}},
		{"", []string{
			"configMapping", "createVirtualHeadset", "updateVirtualHeadset", "deleteVirtualHeadset", "queryVirtualHeadsets", "triggerVirtualHeadsetEvent",
		}},
		{"session", []string{"createSession", "updateSession", "querySessions"}},
		{"data-subscription", []string{"subscribe", "unsubscribe"}},
		{"records", []string{
			"createRecord", "stopRecord", "updateRecord", "deleteRecord", "exportRecord", "queryRecords", "getRecordInfos", "configOptOut",
			"requestToDownloadRecordData",
		}},
		{"markers", []string{"injectMarker", "updateMarker"}},
		{"subjects", []string{"createSubject", "updateSubject", "deleteSubjects", "querySubjects", "getDemographicAttributes"}},
		{"bci", []string{"queryProfile", "getCurrentProfile", "setupProfile", "loadGuestProfile", "getDetectionInfo", "training"}},
		{"advanced-bci", []string{
			"getTrainedSignatureActions", "getTrainingTime", "facialExpressionSignatureType", "facialExpressionThreshold", "mentalCommandActiveAction",
			"mentalCommandBrainMap", "mentalCommandGetSkillRating", "mentalCommandTrainingThreshold", "mentalCommandActionSensitivity",
		}},
	}
}

// Methods returns the names of the Cortex methods that documents may use.
func Methods() (names []string) {
	for _, c := range methodChapters() {
		names = append(names, c.methods...)
	}
	return names
}

// pageOf returns the address of a page of the documentation: that of a method,
// or one of the general pages that the linter names. What has no page of its own
// has the first one.
func pageOf(name string) string {
	switch name {
	case "Overview of API flow", "Warning objects", "Error codes", "Data subscription":
		return documentation + strings.ReplaceAll(strings.ToLower(name), " ", "-")
	}
	for _, c := range methodChapters() {
		if c.path != "" && slices.Contains(c.methods, name) {
			return documentation + c.path + "/" + strings.ToLower(name)
		}
	}
	return documentation
}
