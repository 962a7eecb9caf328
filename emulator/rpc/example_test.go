package rpc_test

import (
	"fmt"

	"github.com/fakecortex/fakecortex/emulator/rpc"
)

// A service with one method answers frames.
func Example() {
	faults := rpc.Faults{
		ParseError:     rpc.CodeText{Code: -32700, Message: "Parse error."},
		InvalidRequest: rpc.CodeText{Code: -32600, Message: "Invalid Request."},
		MethodNotFound: rpc.CodeText{Code: -32601, Message: "Method not found."},
		InvalidParams:  rpc.CodeText{Code: -32602, Message: "Invalid Parameters."},
		MissingParams:  rpc.CodeText{Code: -32018, Message: "Missing the required parameters."},
	}
	registry, err := rpc.NewRegistry(rpc.Method[string]{
		Name: "getProfile",
		Params: []rpc.Param{
			{Name: "cortexToken", Type: rpc.TypeString, Required: true},
			{Name: "status", Type: rpc.TypeString, Enum: []string{"load", "save"}},
		},
		Handle: func(user string, a rpc.Args) (any, error) {
			return rpc.Object{"status": a.String("status"), "owner": user, "power": rpc.Float(1)}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	answer := func(frame string) string {
		req, id, fault := rpc.Decode([]byte(frame), rpc.DecodeOptions{Faults: faults})
		if fault != nil {
			return string(rpc.AppendError(nil, id, fault))
		}
		var out []byte
		method, fault := registry.Find(req.Method, faults)
		if fault == nil {
			var args rpc.Args
			if args, fault = method.Check(req.Params, faults); fault == nil {
				result, err := method.Handle("jon.snow", args)
				if err == nil {
					out, err = rpc.AppendResult(nil, req.ID, result)
				}
				if err != nil {
					fault = &rpc.Error{Code: -32603, Message: "Internal error.", Cause: err}
				}
			}
		}
		switch {
		case req.ID == nil:
			return "(nothing: a notification)"
		case fault != nil:
			return string(rpc.AppendError(nil, req.ID, fault))
		}
		return string(out)
	}

	fmt.Println(answer(`{"id": 1.0, "jsonrpc": "2.0", "method": "getProfile", "params": {"cortexToken": "t", "status": "load", "extra": 1}}`))
	fmt.Println(answer(`{"id":"a","jsonrpc":"2.0","method":"getProfile"}`))
	fmt.Println(answer(`{"id":2,"jsonrpc":"2.0","method":"getProfile","params":{"cortexToken":"t","status":"LOAD"}}`))
	fmt.Println(answer(`{"id":null,"jsonrpc":"2.0","method":"getprofile"}`))
	fmt.Println(answer(`{"jsonrpc":"2.0","method":"getprofile"}`))
	fmt.Println(answer(`{"id":3,"method":"getProfile"}`))
	fmt.Println(answer(`[{"id":4,"jsonrpc":"2.0","method":"getProfile"}]`))
	fmt.Println(answer(`{"id":5,"jsonrpc":`))
	// Output:
	// {"id":1.0,"jsonrpc":"2.0","result":{"owner":"jon.snow","power":1.0,"status":"load"}}
	// {"error":{"code":-32018,"data":{"behavior":"This parameter is required: cortexToken"},"message":"Missing the required parameters."},"id":"a","jsonrpc":"2.0"}
	// {"error":{"code":-32602,"data":{"behavior":"This parameter must be one of load, save: status"},"message":"Invalid Parameters."},"id":2,"jsonrpc":"2.0"}
	// {"error":{"code":-32601,"message":"Method not found."},"id":null,"jsonrpc":"2.0"}
	// (nothing: a notification)
	// {"error":{"code":-32600,"message":"Invalid Request."},"id":3,"jsonrpc":"2.0"}
	// {"error":{"code":-32600,"message":"Invalid Request."},"id":null,"jsonrpc":"2.0"}
	// {"error":{"code":-32700,"message":"Parse error."},"id":null,"jsonrpc":"2.0"}
}
