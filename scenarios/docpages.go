package scenarios

import (
	"slices"
	"strings"
)

// documentation is where the pages of the Cortex documentation are.
const documentation = "https://emotiv.gitbook.io/cortex-api/"

// pageOf returns the address of a page of the documentation: that of a method,
// or one of the general pages that the linter names. What has no page of its own
// has the first one.
func pageOf(name string) string {
	switch name {
	case "Overview of API flow", "Warning objects", "Error codes", "Data subscription":
		return documentation + strings.ReplaceAll(strings.ToLower(name), " ", "-")
	}
	for _, chapter := range []struct {
		path    string
		methods []string
	}{
		{"authentication", []string{"getCortexInfo", "getUserLogin", "requestAccess", "hasAccessRight", "authorize", "generateNewToken", "getUserInformation", "getLicenseInfo"}},
		{"headset", []string{"controlDevice", "queryHeadsets", "updateHeadset", "updateHeadsetCustomInfo", "syncWithHeadsetClock"}},
		{"session", []string{"createSession", "updateSession", "querySessions"}},
		{"data-subscription", []string{"subscribe", "unsubscribe"}},
		{"records", []string{"createRecord", "stopRecord", "updateRecord", "deleteRecord", "exportRecord", "queryRecords", "getRecordInfos", "configOptOut", "requestToDownloadRecordData"}},
		{"markers", []string{"injectMarker", "updateMarker"}},
		{"subjects", []string{"createSubject", "updateSubject", "deleteSubjects", "querySubjects", "getDemographicAttributes"}},
		{"bci", []string{"queryProfile", "getCurrentProfile", "setupProfile", "loadGuestProfile", "getDetectionInfo", "training"}},
		{"advanced-bci", []string{
			"getTrainedSignatureActions", "getTrainingTime", "facialExpressionSignatureType", "facialExpressionThreshold", "mentalCommandActiveAction",
			"mentalCommandBrainMap", "mentalCommandGetSkillRating", "mentalCommandTrainingThreshold", "mentalCommandActionSensitivity",
		}},
	} {
		if slices.Contains(chapter.methods, name) {
			return documentation + chapter.path + "/" + strings.ToLower(name)
		}
	}
	return documentation
}
